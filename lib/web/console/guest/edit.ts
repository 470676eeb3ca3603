import { path } from '../../../client/path.js';
import type { Guest } from '../../../model/guest.js';
import type { GuestPatch } from '../../../model/guest-patch.js';
import { formatMb } from '../../../portable/format.js';
import { submit } from '../api.js';
import { field, formDialog } from '../dialogs.js';
import { h } from '../dom.js';
import { type Input, listOf, markInvalid, sizeIn, textInput } from '../inputs.js';
import { follow } from '../jobs.js';
import { store } from '../store.js';
import { containerPart } from './container-part.js';
import { hardwareFields } from './hardware-fields.js';

type SizeKey = 'memory' | 'cpu' | 'maxMemory' | 'maxCpu';

/** What a guest has from its next start on; `undefined` for what it has not. */
const next = ({ pending = {}, ...guest }: Guest, key: SizeKey): number | undefined =>
  (key in pending ? pending[key] : guest[key]) ?? undefined;

const isOff = ({ state }: Guest): boolean => state === 'shutoff' || state === 'crashed';

/** Says when a change of a size takes effect. */
const effectOf = (guest: Guest, most: string): string => {
  if (isOff(guest)) return 'At once, because the guest is off.';
  return most === ''
    ? 'At the next start: shut it down and start it, or reboot it.'
    : `At once up to ${most}, if its operating system goes along, and otherwise at the next start.`;
};

const countIn = ({ value }: Input): number | undefined => (value.trim() === '' ? undefined : Number(value));

/** Leaves out what is as before; an empty field returns its key to the default. */
const changed = (before: GuestPatch, after: GuestPatch): GuestPatch =>
  Object.fromEntries(
    (Object.keys(after) as (keyof GuestPatch)[])
      .filter((key) => JSON.stringify(after[key] ?? null) !== JSON.stringify(before[key] ?? null))
      .map((key) => [key, after[key] ?? null]),
  );

/** The fields of a virtual machine's size. */
const sizeFields = (guest: Guest) => {
  const sizeInput = (key: SizeKey): Input => textInput({ value: String(next(guest, key) ?? ''), size: '8' });
  const countInput = (key: SizeKey): Input =>
    textInput({ type: 'number', min: '1', value: String(next(guest, key) ?? '') });
  const inputs = {
    memory: sizeInput('memory'),
    cpu: countInput('cpu'),
    maxMemory: sizeInput('maxMemory'),
    maxCpu: countInput('maxCpu'),
  };
  const { maxMemory, maxCpu } = guest;
  return {
    inputs,
    before: Object.fromEntries((Object.keys(inputs) as SizeKey[]).map((key) => [key, next(guest, key)])),
    read: (): GuestPatch => ({
      memory: sizeIn(inputs.memory, 'memory') ?? null,
      cpu: countIn(inputs.cpu) ?? null,
      maxMemory: sizeIn(inputs.maxMemory, 'maxMemory') ?? null,
      maxCpu: countIn(inputs.maxCpu) ?? null,
    }),
    elements: [
      h(
        'div',
        { class: 'two' },
        field('Memory', inputs.memory, `In MB, or with a unit: 2G. ${effectOf(guest, formatMb(maxMemory))}`),
        field('vCPUs', inputs.cpu, effectOf(guest, maxCpu ? String(maxCpu) : '')),
      ),
      h(
        'div',
        { class: 'two' },
        field('Most memory', inputs.maxMemory, 'What it can grow to while it runs, from its next start on.'),
        field('Most vCPUs', inputs.maxCpu, 'What it can grow to while it runs, from its next start on.'),
      ),
    ],
  };
};

/** Shows a guest's name, labels, size, and hardware or program in a form, and submits what the user changes. */
export const openEdit = (guest: Guest): void => {
  const { id, description = '', tags = [] } = guest;
  const label = {
    name: textInput({ value: guest.metadata?.name ?? '', autofocus: true }),
    description: h('textarea', { rows: '3' }, description),
    tags: textInput({ value: tags.join(', ') }),
  };
  const isContainer = guest.type === 'container';
  const container = isContainer ? containerPart(guest) : undefined;
  const size = container ?? sizeFields(guest);
  const hardware = isContainer ? undefined : hardwareFields(guest, isOff(guest));
  const before: GuestPatch = {
    name: guest.metadata?.name || null,
    description: description || null,
    tags,
    ...size.before,
  };
  const read = (): GuestPatch => ({
    name: label.name.value.trim() || null,
    description: label.description.value.trim() || null,
    tags: listOf(label.tags.value),
    ...size.read(),
  });
  const title = store.nameOf(id);
  void formDialog({
    title: `Edit ${title}`,
    action: 'Save',
    isWide: isContainer,
    content: [
      field('Name', label.name),
      field('Description', label.description),
      field('Tags', label.tags, 'Separated by commas: production, web'),
      ...size.elements,
      ...(hardware?.elements ?? []),
    ],
    submit: async () => {
      const patch = { ...changed(before, read()), ...hardware?.patch(), ...container?.patch() };
      if (Object.keys(patch).length === 0) return;
      const { jobId } = await submit<Guest>('PATCH', path`/guests/${id}`, patch);
      follow(jobId, { title: `Change ${title}`, done: `${title} changed` });
    },
    onError: (message) =>
      markInvalid(
        message,
        new Map<string, HTMLElement>(Object.entries({ ...label, ...size.inputs, ...hardware?.inputs })),
      ),
  });
};
