import type { Backup } from '../../../model/backup.js';
import { shortId } from '../../../portable/format.js';
import { errorText, pages } from '../api.js';
import { h } from '../dom.js';
import { backupRow, backupsTable } from '../guest/backup-rows.js';
import { ListFilter } from '../list-filter.js';
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
  let backups: Backup[] | undefined;

  const say = (text: string): void => {
    note.textContent = text;
    note.hidden = text === '';
  };

  const draw = (): void => {
    // Until then, all guests would seem to be gone.
    if (!backups || !store.isLoaded) return;
    const shown = filter.apply(backups);
    list.replaceChildren(...shown.slice(0, MAX_ROWS).map((backup) => backupRow(backup, guestCell(backup))));
    const rest = shown.length - MAX_ROWS;
    if (rest > 0) say(`${count(rest, 'older backup')} not shown: mistify backup list has all.`);
    else if (shown.length > 0) say('');
    else say(backups.length === 0 ? 'No backups yet.' : 'No backups match the filter.');
  };

  const filter = new ListFilter<Backup>({
    ...{ label: 'Filter backups', placeholder: 'Filter by guest, host', onChange: draw },
    textOf: ({ id, guest, name, host, problem }) =>
      [id, guest, name, store.nameOf(guest), host, problem].join(' '),
    choices: [
      {
        ...{ key: 'guests', label: 'Backups to show', any: 'Of all guests' },
        of: (backup) => [isGone(backup) ? 'Of guests that are gone' : 'Of guests that are here'],
      },
      { key: 'host', label: 'Host', any: 'Any host', of: ({ host }) => [host] },
    ],
    toggles: [{ key: 'errors', label: 'Errors only', includes: ({ problem }) => Boolean(problem) }],
  });

  const load = async (): Promise<void> => {
    try {
      const all: Backup[] = [];
      for await (const page of pages<Backup>('/backups', PAGE)) all.push(...page);
      backups = all;
      draw();
    } catch (error) {
      say(errorText(error));
    }
  };

  return {
    title: 'Backups',
    element: h(
      'section',
      { class: 'page' },
      h('div', { class: 'toolbar' }, h('h1', {}, 'Backups'), filter.element),
      backupsTable(list, 'Guest'),
      note,
    ),
    update: (kinds) => {
      if (kinds.has('backups')) void load();
      else if (kinds.has('guests')) draw();
    },
    key: (event) => filter.key(event),
  };
};
