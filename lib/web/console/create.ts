import { MistifyError } from '../../client/errors.js';
import { guestSpec } from '../../client/guest-spec.js';
import type { Guest } from '../../model/guest.js';
import { mbOf, SIZE_HINT } from '../../portable/size.js';
import { submit } from './api.js';
import { field, formDialog, group } from './dialogs.js';
import { h } from './dom.js';
import { imageField } from './image-field.js';
import { follow } from './jobs.js';
import { go } from './router.js';

type Input = HTMLInputElement;

const textInput = (attributes: Record<string, string | boolean> = {}): Input =>
  h('input', { autocomplete: 'off', spellcheck: 'false', ...attributes });

/**
 * Reads a size in MB.
 * @throws {Error} that quotes the key, as the agent's messages do
 */
const sizeIn = (input: Input, key: string): number | undefined => {
  if (input.value.trim() === '') return undefined;
  const size = mbOf(input.value.trim());
  if (size === undefined) throw new Error(`"${key}" is not a size: ${SIZE_HINT}`);
  return size;
};

/** Creates a list of rows that the user can add to and remove from. */
const rowsOf = (name: string, createRow: () => Input[]): { element: HTMLElement; rows: () => Input[][] } => {
  const rows: Input[][] = [];
  const list = h('div');
  const add = (): void => {
    const inputs = createRow();
    rows.push(inputs);
    const line = h(
      'div',
      { class: 'row' },
      ...inputs,
      h(
        'button',
        {
          type: 'button',
          class: 'quiet',
          'aria-label': `Remove ${name}`,
          onclick: () => {
            rows.splice(rows.indexOf(inputs), 1);
            line.remove();
          },
        },
        '×',
      ),
    );
    list.append(line);
    inputs[0]?.focus();
  };
  const button = h('button', { type: 'button', class: 'small', onclick: add }, `Add ${name}`);
  return { element: h('div', { class: 'rows' }, list, button), rows: () => rows };
};

/** Whether a create failed because the host does not have the image. */
const isImageMissing = (error: unknown, image: string | undefined): boolean =>
  error instanceof MistifyError &&
  error.status === 404 &&
  image !== undefined &&
  error.message.includes(image);

/** Marks the fields that an error of the agent names: validation errors quote the key. */
const markInvalid = (message: string, fields: ReadonlyMap<string, HTMLElement>): void => {
  const named = new Set([...message.matchAll(/"(\w+)/g)].map(([, key]) => key));
  for (const [name, element] of fields) element.setAttribute('aria-invalid', String(named.has(name)));
  const first = [...fields].find(([name]) => named.has(name));
  first?.[1].focus();
};

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
  const image = imageField((isEmpty) => {
    sizePart.hidden = !isEmpty;
    size.disabled = !isEmpty;
  });
  const memory = textInput({ value: '512', size: '8' });
  const cpu = textInput({ type: 'number', min: '1', value: '1' });
  const disks = rowsOf('disk', () => [
    textInput({ placeholder: 'Size: 10G', 'aria-label': 'Size of the disk' }),
  ]);
  const nics = rowsOf('NIC', () => [
    textInput({ placeholder: 'Bridge: br0', 'aria-label': 'Bridge, or user', value: 'user' }),
    textInput({ placeholder: 'VLANs: 10, 20', 'aria-label': 'VLAN IDs, separated by commas' }),
    textInput({ placeholder: 'MAC', 'aria-label': 'MAC address' }),
  ]);
  const disksPart = group(
    'Disks',
    disks.element,
    'The first is cloned from the image, the others are empty. Without any, the guest gets a disk of the size of the image.',
  );
  type.addEventListener('change', () => {
    image.show(type.value);
    disksPart.hidden = type.value === 'container';
  });
  const fields = (): Map<string, HTMLElement> =>
    new Map<string, HTMLElement>([
      ['metadata', name],
      ['type', type],
      ['image', image.input()],
      ['disks', size],
      ['memory', memory],
      ['cpu', cpu],
    ]);
  const readSpec = () => {
    const [imageId, memorySize] = [image.value(), sizeIn(memory, 'memory')];
    const sizes = [...(size.disabled ? [] : [size]), ...disks.rows().flat()].flatMap(
      (input, index) => sizeIn(input, `disks[${index}].size`) ?? [],
    );
    const specs = nics.rows().flatMap(([bridge, vlans, mac]) => {
      const network = bridge?.value.trim();
      if (!network) return [];
      return {
        network,
        model: 'virtio',
        ...(vlans?.value.trim() ? { vlans: vlans.value.split(',').map(Number) } : {}),
        ...(mac?.value.trim() ? { mac: mac.value.trim() } : {}),
      };
    });
    return guestSpec({
      ...(name.value.trim() ? { name: name.value.trim() } : {}),
      container: type.value === 'container',
      ...(imageId ? { image: imageId } : {}),
      ...(memorySize === undefined ? {} : { memory: memorySize }),
      ...(cpu.value === '' ? {} : { cpu: Number(cpu.value) }),
      ...(sizes.length > 0 ? { disk: sizes } : {}),
      ...(specs.length > 0 ? { nic: specs } : {}),
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
      group('Network', nics.element, 'A bridge on this host, or “user” for user-mode networking (NAT)'),
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
