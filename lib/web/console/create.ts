import { MistifyError } from '../../client/errors.js';
import { guestSpec } from '../../client/guest-spec.js';
import type { Guest } from '../../model/guest.js';
import { submit } from './api.js';
import { containerFields } from './container-fields.js';
import { field, formDialog, group } from './dialogs.js';
import { h } from './dom.js';
import { firmwareFields } from './firmware-fields.js';
import { comingBackFields, newPolicies } from './guest/coming-back.js';
import { imageField } from './image-field.js';
import { markInvalid, sizeIn, textInput } from './inputs.js';
import { follow } from './jobs.js';
import { go } from './router.js';
import { rowsOf } from './rows.js';

/** Whether a create failed because the host does not have the image. */
const isImageMissing = (error: unknown, image: string | undefined): boolean =>
  error instanceof MistifyError &&
  error.status === 404 &&
  image !== undefined &&
  error.message.includes(image);

export const openCreate = (): void => {
  const name = textInput({ autofocus: true, placeholder: 'web-1' });
  const type = h(
    'select',
    {},
    h('option', { value: 'kvm' }, 'Virtual machine'),
    h('option', { value: 'container' }, 'Container'),
  );
  const size = textInput({ value: '10G', size: '8', required: true });
  const sizePart = field('Disk size', size, 'In MB, or with a unit: 10G');
  const memory = textInput({ value: '512', size: '8' });
  const cpu = textInput({ type: 'number', min: '1', value: '1' });
  const disks = rowsOf({
    name: 'disk',
    createRow: () => {
      const size = textInput({ placeholder: 'Size: 10G', 'aria-label': 'Size of the disk', required: true });
      return { inputs: [size], size };
    },
    captionOf: (index) => (index === 0 && size.disabled ? 'From the image, grown to' : 'Empty disk of'),
  });
  const image = imageField((isEmpty) => {
    sizePart.hidden = !isEmpty;
    size.disabled = !isEmpty;
    disks.caption();
  });
  const nics = rowsOf({
    name: 'NIC',
    createRow: () => {
      const network = textInput({
        placeholder: 'Bridge: br0',
        'aria-label': 'Bridge, or user',
        value: 'user',
        required: true,
      });
      const vlans = textInput({ placeholder: 'VLANs: 10, 20', 'aria-label': 'VLAN IDs, separated by commas' });
      const mac = textInput({ placeholder: 'MAC', 'aria-label': 'MAC address' });
      return { inputs: [network, vlans, mac], network, vlans, mac };
    },
  });
  const comingBack = comingBackFields();
  const disksPart = group(
    'Disks',
    disks.element,
    'Without any, the guest gets one disk, of the size of the image.',
  );
  const firmware = firmwareFields();
  const container = containerFields();
  container.element.hidden = true;
  type.addEventListener('change', () => {
    image.show(type.value);
    disksPart.hidden = type.value === 'container';
    firmware.element.hidden = type.value === 'container';
    container.element.hidden = type.value !== 'container';
    cpu.step = type.value === 'container' ? 'any' : '1';
    cpu.min = type.value === 'container' ? '0.01' : '1';
  });
  const fields = (): Map<string, HTMLElement> =>
    new Map<string, HTMLElement>([
      ['metadata', name],
      ['type', type],
      ['image', image.input()],
      ['disks', size],
      ['memory', memory],
      ['cpu', cpu],
      ['machine', firmware.firmware],
      ...container.inputs,
    ]);
  const readSpec = () => {
    const [imageId, memorySize] = [image.value(), sizeIn(memory, 'memory')];
    const sizes = [...(size.disabled ? [] : [size]), ...disks.rows().map((row) => row.size)].flatMap(
      (input, index) => sizeIn(input, `disks[${index}].size`) ?? [],
    );
    const specs = nics.rows().map(({ network, vlans, mac }) => ({
      network: network.value.trim(),
      model: 'virtio',
      ...(vlans.value.trim() ? { vlans: vlans.value.split(',').map(Number) } : {}),
      ...(mac.value.trim() ? { mac: mac.value.trim() } : {}),
    }));
    return guestSpec({
      ...(name.value.trim() ? { name: name.value.trim() } : {}),
      container: type.value === 'container',
      ...(imageId ? { image: imageId } : {}),
      cdrom: image.cds(),
      ...(memorySize === undefined ? {} : { memory: memorySize }),
      ...(cpu.value === '' ? {} : { cpu: Number(cpu.value) }),
      ...(sizes.length > 0 ? { disk: sizes } : {}),
      ...(specs.length > 0 ? { nic: specs } : {}),
      ...newPolicies(comingBack),
      ...firmware.options(),
      ...container.options(),
    });
  };
  void formDialog({
    title: 'New guest',
    action: 'Create',
    content: [
      field('Name', name),
      field('Type', type),
      ...image.elements,
      sizePart,
      h('div', { class: 'two' }, field('Memory', memory, 'In MB, or with a unit: 2G'), field('vCPUs', cpu)),
      disksPart,
      firmware.element,
      container.element,
      group('Network', nics.element, 'A bridge on this host, or “user” for user-mode networking (NAT)'),
      ...comingBack.elements,
    ],
    submit: async () => {
      const { jobId, body } = await submit<Guest>('POST', '/guests', readSpec()).catch((error: unknown) => {
        throw isImageMissing(error, image.value())
          ? new Error('This host does not have the image. Fetch it on the Images page.')
          : error;
      });
      const guestName = body.metadata?.name || body.id;
      follow(jobId, { title: `Create ${guestName}`, done: `${guestName} created.` });
      go('guests', body.id);
    },
    onError: (message) => markInvalid(message, fields()),
  });
};
