import { path } from '../../../client/path.js';
import type { Backup } from '../../../model/backup.js';
import { errorText, get, submit } from '../api.js';
import { attempt } from '../dialogs.js';
import { h } from '../dom.js';
import { follow } from '../jobs.js';
import { store } from '../store.js';
import { backupRow, backupsTable } from './backup-rows.js';
import { lastGoodText } from './backup-words.js';
import type { Tab } from './tab.js';
import { whenJobsEnd } from './when-jobs-end.js';

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
      list.replaceChildren(...backups.map((backup) => backupRow(backup)));
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
      backupsTable(list),
      note,
    ),
    update: (_guest, kinds) => {
      // Verifications and deletions are jobs of no guest.
      if (kinds.has('backups')) void load();
      else loadWhenJobsEnd();
    },
  };
};
