import { path } from '../../../client/path.js';
import type { Backup } from '../../../model/backup.js';
import { formatAge, formatBytes, shortId } from '../../../portable/format.js';
import { errorText, get, submit } from '../api.js';
import { attempt, confirm } from '../dialogs.js';
import { h } from '../dom.js';
import { follow } from '../jobs.js';
import { plainTable } from '../plain-table.js';
import { store } from '../store.js';
import { amountText, lastGoodText, statusText } from './backup-words.js';
import { openRestore } from './restore-dialog.js';
import type { Tab } from './tab.js';
import { whenJobsEnd } from './when-jobs-end.js';

const verify = ({ id }: Backup): void =>
  void attempt(async () => {
    const { jobId } = await submit('POST', path`/backups/${id}/verify`);
    follow(jobId, { title: 'Verify the backup', done: 'The backup is what was written.' });
  });

const remove = ({ id, created }: Backup): void => {
  void confirm(
    {
      title: `Delete the backup of ${formatAge(created)}?`,
      text: 'This cannot be undone. Later backups do not need it.',
      action: 'Delete',
      isDangerous: true,
    },
    async () => {
      const { jobId } = await submit('DELETE', path`/backups/${id}`);
      follow(jobId, { title: 'Delete the backup', done: 'Backup deleted.' });
    },
  );
};

const row = (backup: Backup): HTMLElement =>
  h(
    'tr',
    {},
    h(
      'th',
      { scope: 'row', title: backup.created },
      h('span', {}, formatAge(backup.created)),
      h('small', {}, shortId(backup.id)),
      h('small', { class: 'narrow-only' }, statusText(backup)),
    ),
    h('td', { class: 'c-number medium-only' }, formatBytes(backup.size)),
    h('td', { class: 'faint medium-only', title: backup.whole ?? '' }, amountText(backup)),
    h('td', { class: 'faint medium-only' }, backup.consistency),
    h('td', { class: backup.problem ? 'problem medium-only' : 'faint medium-only' }, statusText(backup)),
    h(
      'td',
      { class: 'row-actions' },
      h('button', { class: 'small changes', onclick: () => openRestore(backup) }, 'Restore'),
      h('button', { class: 'small changes', onclick: () => verify(backup) }, 'Verify'),
      h('button', { class: 'small changes', onclick: () => remove(backup) }, 'Delete'),
    ),
  );

export const backupsTab = (guestId: string): Tab => {
  const base = path`/guests/${guestId}/backups`;
  const list = h('tbody');
  const note = h('p', { class: 'empty' }, 'Loading …');
  const last = h('span', { class: 'faint' });

  const create = (): void =>
    void attempt(async () => {
      const { jobId } = await submit('POST', base);
      const name = store.nameOf(guestId);
      follow(jobId, { title: `Back up ${name}`, done: `${name} backed up.` });
    });

  const load = async (): Promise<void> => {
    try {
      const backups = await get<Backup[]>(base);
      list.replaceChildren(...backups.map(row));
      last.textContent = `Last good backup: ${lastGoodText(backups)}`;
      note.textContent = backups.length > 0 ? '' : 'No backups yet.';
    } catch (error) {
      note.textContent = errorText(error);
    }
    note.hidden = note.textContent === '';
  };

  const loadWhenJobsEnd = whenJobsEnd(guestId, ['backup'], () => void load());

  return {
    element: h(
      'div',
      {},
      h('p', {}, h('button', { class: 'primary changes', onclick: create }, 'Back up now'), ' ', last),
      plainTable(
        [
          ['Age'],
          ['Size', 'c-number medium-only'],
          ['Amount', 'medium-only'],
          ['Consistency', 'medium-only'],
          ['Status', 'medium-only'],
        ],
        list,
        { label: 'Backups', hasActions: true },
      ),
      note,
    ),
    update: (_guest, kinds) => {
      // Verifications and deletions are jobs of no guest.
      if (kinds.has('backups')) void load();
      else loadWhenJobsEnd();
    },
  };
};
