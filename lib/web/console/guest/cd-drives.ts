import { path } from '../../../client/path.js';
import { type Cdrom, cdromsOf } from '../../../model/cd-drives.js';
import { errorText, submit } from '../api.js';
import { field, formDialog } from '../dialogs.js';
import { h } from '../dom.js';
import { getImages, isIso } from '../images.js';
import { follow } from '../jobs.js';
import { plainTable } from '../plain-table.js';
import { store } from '../store.js';

/** The CD drives of a virtual machine, with what is in them. */
export interface CdDrives {
  element: HTMLElement;
  draw: () => void;
}

export const cdDrives = (guestId: string): CdDrives => {
  const list = h('tbody');
  const name = (): string => store.nameOf(guestId);

  const change = async (device: string, image: string | null, force = false): Promise<void> => {
    const target = `${path`/guests/${guestId}/cdroms/${device}`}${force ? '?force=true' : ''}`;
    const { jobId } = await submit('PATCH', target, { image });
    const title =
      image === null ? `Eject ${device} of ${name()}` : `Insert ${image} into ${device} of ${name()}`;
    const done = image === null ? `Drive ${device} is empty.` : `${image} is in drive ${device}.`;
    follow(jobId, { title, done });
  };

  const insert = (device: string): void => {
    const select = h('select', { required: true }, h('option', { value: '' }, 'Loading …'));
    const note = h('p', { class: 'note', hidden: true });
    void getImages()
      .then((images) => {
        const isos = images.filter(isIso);
        select.replaceChildren(...isos.map(({ id }) => h('option', { value: id }, id)));
        note.hidden = isos.length > 0;
        note.textContent = 'This host has no ISO images. Fetch one on the Images page.';
      })
      .catch((error: unknown) => {
        note.hidden = false;
        note.textContent = errorText(error);
      });
    void formDialog({
      title: `Insert a CD into ${device} of ${name()}`,
      action: 'Insert',
      content: [note, field('ISO image', select)],
      submit: () => change(device, select.value),
    });
  };

  const eject = (device: string): void => {
    const force = h('input', { type: 'checkbox' });
    void formDialog({
      title: `Eject the CD from ${device} of ${name()}?`,
      action: 'Eject',
      content: [h('label', { class: 'check' }, force, 'Even if the guest uses it; what it reads then fails')],
      submit: () => change(device, null, force.checked),
    });
  };

  const row = ({ device, image }: Cdrom): HTMLElement =>
    h(
      'tr',
      {},
      h('th', { scope: 'row' }, device),
      h('td', { class: image ? '' : 'faint' }, image || 'empty'),
      h(
        'td',
        { class: 'row-actions' },
        h('button', { class: 'small changes', onclick: () => insert(device) }, 'Insert'),
        ...(image ? [h('button', { class: 'small changes', onclick: () => eject(device) }, 'Eject')] : []),
      ),
    );

  const element = h(
    'section',
    {},
    h('h2', {}, 'CD drives'),
    plainTable([['Drive'], ['CD']], list, { label: 'CD drives', hasActions: true }),
  );
  const draw = (): void => {
    const guest = store.guests.get(guestId);
    const drives = guest ? cdromsOf(guest) : [];
    element.hidden = drives.length === 0;
    list.replaceChildren(...drives.map(row));
  };
  draw();
  return { element, draw };
};
