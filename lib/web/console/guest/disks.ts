import { path } from '../../../client/path.js';
import type { DiskUse } from '../../../model/disk-use.js';
import { diskNumber } from '../../../model/disks.js';
import { formatMb } from '../../../portable/format.js';
import { mbOf, SIZE_HINT } from '../../../portable/size.js';
import { errorText, get, submit } from '../api.js';
import { field, formDialog } from '../dialogs.js';
import { h } from '../dom.js';
import { follow } from '../jobs.js';
import { plainTable } from '../plain-table.js';
import { store } from '../store.js';
import { cdDrives } from './cd-drives.js';
import type { Tab } from './tab.js';
import { whenJobsEnd } from './when-jobs-end.js';

type NumberedDisk = DiskUse & { number: number };

const BUSES = ['virtio', 'scsi', 'sata'];

const sizeInput = (value = ''): HTMLInputElement =>
  h('input', { autocomplete: 'off', size: 8, required: true, placeholder: '10G', value, autofocus: true });

/** @throws when the text is not a size */
const sizeOf = (input: HTMLInputElement): number => {
  const size = mbOf(input.value.trim());
  if (size === undefined) throw new Error(`"${input.value}" is not a size: ${SIZE_HINT}`);
  return size;
};

/** The disks of a virtual machine, which can be added, grown and removed. */
export const disksTab = (guestId: string): Tab => {
  const base = path`/guests/${guestId}/disks`;
  const list = h('tbody');
  const note = h('p', { class: 'empty' }, 'Loading …');
  const name = (): string => store.nameOf(guestId);
  const drives = cdDrives(guestId);

  const add = (): void => {
    const size = sizeInput();
    const bus = h('select', {}, ...BUSES.map((each) => h('option', { value: each }, each)));
    void formDialog({
      title: `Add a disk to ${name()}`,
      action: 'Add',
      content: [
        field('Size', size, 'In MB, or with a unit: 10G'),
        field('Bus', bus, 'A running guest gets virtio and scsi disks.'),
      ],
      submit: async () => {
        const { jobId } = await submit('POST', base, { size: sizeOf(size), bus: bus.value });
        follow(jobId, { title: `Add a disk to ${name()}`, done: `${name()} has a new disk.` });
      },
    });
  };

  const grow = ({ number, size: current }: NumberedDisk): void => {
    const size = sizeInput(String(current));
    void formDialog({
      title: `Grow disk ${number} of ${name()}`,
      action: 'Grow',
      content: [
        h('p', {}, `It has ${formatMb(current)}. Afterwards, grow its file system inside the guest.`),
        field('New size', size, 'In MB, or with a unit: 20G'),
      ],
      submit: async () => {
        const { jobId } = await submit('PATCH', `${base}${path`/${String(number)}`}`, { size: sizeOf(size) });
        follow(jobId, {
          title: `Grow disk ${number} of ${name()}`,
          done: `Disk ${number} of ${name()} has grown.`,
        });
      },
    });
  };

  const remove = ({ number, volume, source, size }: NumberedDisk): void => {
    const keep = h('input', { type: 'checkbox' });
    void formDialog({
      title: `Remove disk ${number} of ${name()}?`,
      action: 'Remove',
      isDangerous: true,
      content: [
        h('p', {}, `Unless you keep it, all data of ${volume || source} (${formatMb(size)}) is deleted.`),
        h('label', { class: 'check' }, keep, 'Keep the data in the store'),
      ],
      submit: async () => {
        const target = `${base}${path`/${String(number)}`}${keep.checked ? '?keep=true' : ''}`;
        const { jobId } = await submit('DELETE', target);
        follow(jobId, {
          title: `Remove disk ${number} of ${name()}`,
          done: `Disk ${number} of ${name()} removed.`,
        });
      },
    });
  };

  const row = (disk: NumberedDisk): HTMLElement =>
    h(
      'tr',
      {},
      h('th', { scope: 'row' }, String(disk.number)),
      h('td', {}, disk.device),
      h('td', { class: 'faint medium-only' }, disk.serial ?? ''),
      h('td', { class: 'c-number' }, formatMb(disk.size)),
      h('td', { class: 'c-number medium-only' }, formatMb(disk.used)),
      h('td', { class: 'medium-only' }, disk.bus),
      h(
        'td',
        { class: 'row-actions' },
        h('button', { class: 'small changes', onclick: () => grow(disk) }, 'Grow'),
        h('button', { class: 'small changes', onclick: () => remove(disk) }, 'Remove'),
      ),
    );

  const load = async (): Promise<void> => {
    try {
      const disks = await get<DiskUse[]>(base);
      list.replaceChildren(...disks.map((disk, index) => row({ ...disk, number: diskNumber(disk, index) })));
      note.textContent = disks.length > 0 ? '' : 'No disks yet.';
    } catch (error) {
      note.textContent = errorText(error);
    }
    note.hidden = note.textContent === '';
  };

  return {
    element: h(
      'div',
      {},
      h('p', {}, h('button', { class: 'primary changes', onclick: add }, 'Add disk')),
      plainTable(
        [
          ['Disk'],
          ['Device'],
          ['Serial', 'medium-only'],
          ['Size', 'c-number'],
          ['Used', 'c-number medium-only'],
          ['Bus', 'medium-only'],
        ],
        list,
        { label: 'Disks', hasActions: true },
      ),
      note,
      drives.element,
    ),
    update: whenJobsEnd(guestId, ['guest', 'snapshot'], () => {
      drives.draw();
      void load();
    }),
  };
};
