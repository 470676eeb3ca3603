import type { Backup } from '../../../model/backup.js';
import { shortId } from '../../../portable/format.js';
import { errorText, pages } from '../api.js';
import { h } from '../dom.js';
import { backupRow, backupsTable } from '../guest/backup-rows.js';
import { address, type View } from '../router.js';
import { store } from '../store.js';
import { count } from '../words.js';

const PAGE = 500;
/** The most rows of a table that renders all of them. */
const MAX_ROWS = 500;

const isGone = ({ guest }: Backup): boolean => !store.guests.has(guest);

const guestCell = (backup: Backup): HTMLElement => {
  const { guest, name, host } = backup;
  if (!isGone(backup))
    return h('td', {}, h('a', { href: address('guests', guest, 'backups') }, store.nameOf(guest)));
  return h('td', { title: guest }, name ?? shortId(guest), ' ', h('small', {}, `not here, of host ${host}`));
};

/** The backups in the repository: those of guests that are not on this host, which have no page, or all. */
export const backupsView = (): View => {
  const list = h('tbody');
  const note = h('p', { class: 'empty' }, 'Loading …');
  const which = h(
    'select',
    { 'aria-label': 'Backups to show', onchange: () => draw() },
    h('option', { value: 'gone' }, 'Of guests that are gone'),
    h('option', { value: 'all' }, 'Of all guests'),
  );
  let backups: Backup[] | undefined;

  const draw = (): void => {
    // Until then, all guests would seem to be gone.
    if (!backups || !store.isLoaded) return;
    const chosen = which.value === 'all' ? backups : backups.filter(isGone);
    list.replaceChildren(...chosen.slice(0, MAX_ROWS).map((backup) => backupRow(backup, guestCell(backup))));
    const rest = chosen.length - MAX_ROWS;
    note.textContent =
      (chosen.length === 0 &&
        (which.value === 'all' ? 'No backups yet.' : 'No backups of guests that are gone.')) ||
      (rest > 0 ? `${count(rest, 'older backup')} not shown: mistify backup list has all.` : '');
    note.hidden = note.textContent === '';
  };

  const load = async (): Promise<void> => {
    try {
      const all: Backup[] = [];
      for await (const page of pages<Backup>('/backups', PAGE)) all.push(...page);
      backups = all;
      draw();
    } catch (error) {
      note.textContent = errorText(error);
      note.hidden = false;
    }
  };

  return {
    title: 'Backups',
    element: h(
      'section',
      { class: 'page' },
      h('div', { class: 'toolbar' }, h('h1', {}, 'Backups'), h('span', { class: 'grow' }), which),
      backupsTable(list, 'Guest'),
      note,
    ),
    update: (kinds) => {
      if (kinds.has('backups')) void load();
      else if (kinds.has('guests')) draw();
    },
  };
};
