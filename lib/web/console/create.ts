import { MistifyError } from '../../client/errors.js';
import { type CreateOptions, guestSpec } from '../../client/guest-spec.js';
import type { Guest } from '../../model/guest.js';
import { definedIn } from '../../portable/defined-in.js';
import { sizeText } from '../../portable/size.js';
import { submit } from './api.js';
import { containerFields } from './container-fields.js';
import { field, formDialog, group } from './dialogs.js';
import { h } from './dom.js';
import { firmwareFields } from './firmware-fields.js';
import { comingBackFields, newPolicies } from './guest/coming-back.js';
import { imageField } from './image-field.js';
import { checkbox, filled, listOf, markInvalid, sizeIn, textIn, textInput } from './inputs.js';
import { follow } from './jobs.js';
import { nicRows } from './nic-rows.js';
import { requestPreview } from './request-preview.js';
import { go } from './router.js';
import { rowsOf } from './rows.js';
import { seedFields } from './seed-fields.js';
import { sizeFields } from './size-fields.js';

/** Whether a create failed because the host does not have the image. */
const isImageMissing = (error: unknown, image: string | undefined): boolean =>
  error instanceof MistifyError &&
  error.status === 404 &&
  image !== undefined &&
  error.message.includes(image);

const HINTS = {
  disk: 'In MB, or with a unit: 10G',
  cloned: 'Of the disk that is cloned from the image; empty for the size of the image',
  network: 'A network of this host; a static address needs cloud-init in the guest, or a container',
};

/** What an empty disk is offered to have. */
const EMPTY_SIZE = '16G';

/** The fields of the disks of a virtual machine: the first, from the image or empty, and further empty ones. */
const diskFields = () => {
  const size = textInput({ size: '8' });
  const hint = h('small');
  const more = rowsOf({
    name: 'disk',
    createRow: () => {
      const input = textInput({
        ...{ placeholder: 'Size: 10G', 'aria-label': 'Size of the empty disk', required: true },
      });
      return { inputs: [input], input };
    },
  });
  const element = h(
    'fieldset',
    { class: 'fields' },
    h('label', {}, h('span', {}, 'Disk size'), size, hint),
    group('More disks', more.element, 'Empty ones, which the guest formats'),
  );
  return {
    element,
    size,
    /** @param isEmpty whether the first disk is empty */
    show: (isEmpty: boolean): void => {
      size.required = isEmpty;
      if (isEmpty && size.value === '') size.value = EMPTY_SIZE;
      else if (!isEmpty && size.value === EMPTY_SIZE) size.value = '';
      hint.textContent = isEmpty ? HINTS.disk : HINTS.cloned;
    },
    /** @param imageSize the MB of the image; 0 where it is unknown */
    read: (imageSize: number): Pick<CreateOptions, 'disk'> => {
      if (element.disabled) return {};
      const first = sizeIn(size, 'disks');
      const others = more.rows().flatMap(({ input }) => sizeIn(input, 'disks') ?? []);
      if (first === undefined && others.length === 0) return {};
      if (first === undefined && imageSize === 0)
        throw new Error('"disks" needs the size of the first disk, because there are others');
      return { disk: [first ?? imageSize, ...others] };
    },
  };
};

export const openCreate = (): void => {
  const name = textInput({ autofocus: true, placeholder: 'web-1' });
  const [tags, description] = [textInput(), h('textarea', { rows: '2' })];
  const type = h(
    'select',
    {},
    h('option', { value: 'kvm' }, 'Virtual machine'),
    h('option', { value: 'container' }, 'Container'),
  );
  const disks = diskFields();
  const size = sizeFields((mb) => {
    disks.size.value = sizeText(Math.max(mb, image.size()));
  });
  const image = imageField((isEmpty) => disks.show(isEmpty));
  const nics = nicRows();
  const comingBack = comingBackFields();
  const firmware = firmwareFields();
  const seed = seedFields();
  const container = containerFields();
  const isOff = checkbox(false);
  const show = (): void => {
    const isContainer = type.value === 'container';
    image.show(type.value);
    size.show(type.value);
    nics.show(type.value);
    for (const part of [disks, firmware, seed]) part.element.hidden = isContainer;
    container.element.hidden = !isContainer;
    // Fields that are not shown must not keep the form from being submitted.
    disks.element.disabled = isContainer;
    container.element.disabled = !isContainer;
  };
  type.addEventListener('change', show);
  const fields = (): Map<string, HTMLElement> =>
    new Map<string, HTMLElement>([
      ...Object.entries({ metadata: name, type, tags, description, image: image.input(), disks: disks.size }),
      ...Object.entries({ memory: size.memory, cpu: size.cpu, machine: firmware.firmware, ...seed.inputs }),
      ...container.inputs,
    ]);
  const read = async (): Promise<CreateOptions> => {
    const metadata = await seed.read();
    const isContainer = type.value === 'container';
    return {
      ...definedIn<CreateOptions>({
        ...{ name: textIn(name), container: isContainer || undefined, image: image.value() || undefined },
        ...{ cdrom: filled(image.cds()), nic: filled(nics.rows().map((row) => row.read())) },
        ...{ tag: filled(listOf(tags.value)), description: textIn(description) },
        ...{ metadata: filled(metadata), start: isOff.checked ? false : undefined },
      }),
      ...size.read(),
      ...disks.read(image.size()),
      ...newPolicies(comingBack),
      ...firmware.options(),
      ...container.options(),
    };
  };
  const preview = requestPreview(read);
  show();
  void formDialog({
    title: 'New guest',
    action: 'Create',
    isWide: true,
    content: [
      h('div', { class: 'two' }, field('Name', name), field('Type', type)),
      ...image.elements,
      size.element,
      disks.element,
      container.element,
      group('Network', nics.element, HINTS.network),
      seed.element,
      field('Tags', tags, 'Separated by commas: production, web'),
      field('Description', description),
      h(
        'details',
        {},
        h('summary', {}, 'Firmware, and what it does after a boot or a failure'),
        firmware.element,
        ...comingBack.elements,
      ),
      h('label', { class: 'check' }, isOff, 'Do not start it yet'),
      preview.element,
    ],
    onInput: () => void preview.update(),
    submit: async () => {
      const options = await read();
      const target = `/guests${options.start === false ? '?start=false' : ''}`;
      const { jobId, body } = await submit<Guest>('POST', target, guestSpec(options)).catch(
        (error: unknown) => {
          throw isImageMissing(error, options.image)
            ? new Error('This host does not have the image. Fetch it on the Images page.')
            : error;
        },
      );
      const guestName = body.metadata?.name || body.id;
      follow(jobId, { title: `Create ${guestName}`, done: `${guestName} created.` });
      go('guests', body.id);
    },
    onError: (message) => markInvalid(message, fields()),
  });
};
