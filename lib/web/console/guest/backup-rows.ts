import { path } from '../../../client/path.js';
import type { Backup } from '../../../model/backup.js';
import { formatBytes, shortId } from '../../../portable/format.js';
import { submit } from '../api.js';
import { attempt, confirm } from '../dialogs.js';
import { h } from '../dom.js';
import { download } from '../download.js';
import { follow } from '../jobs.js';
import { plainTable } from '../plain-table.js';
import { agoAndTime, timeText } from '../times.js';
import { amountText, statusText } from './backup-words.js';
import { openRestore } from './restore-dialog.js';

const verify = ({ id }: Backup): void =>
  void attempt(async () => {
    const { jobId } = await submit('POST', path`/backups/${id}/verify`);
    follow(jobId, { title: 'Verify the backup', done: 'The backup is what was written.' });
  });

const remove = ({ id, created }: Backup): void => {
  void confirm(
    {
      title: `Delete the backup of ${timeText(created)}?`,
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

const downloads = ({ id, guest, name = guest, disks }: Backup): HTMLElement[] =>
  disks.map(({ disk }) => {
    const source = path`/backups/${id}/disks/${disk}/download`;
    const start = (): void => void attempt(() => download(source, `${name}-disk-${disk}-${shortId(id)}.raw`));
    return h(
      'button',
      { class: 'small downloads', onclick: start },
      disks.length > 1 ? `Download disk ${disk}` : 'Download',
    );
  });

/** Creates the row of a backup; `guest` is its cell that names the guest, where a table has backups of several. */
export const backupRow = (backup: Backup, guest?: HTMLElement): HTMLElement =>
  h(
    'tr',
    {},
    h(
      'th',
      { scope: 'row' },
      agoAndTime(backup.created),
      ' ',
      h('small', {}, shortId(backup.id)),
      ' ',
      h('small', { class: 'narrow-only' }, statusText(backup)),
    ),
    guest,
    h('td', { class: 'c-number medium-only' }, formatBytes(backup.size)),
    h('td', { class: 'faint medium-only', title: backup.whole ?? '' }, amountText(backup)),
    h('td', { class: 'faint medium-only' }, backup.consistency),
    h('td', { class: backup.problem ? 'problem medium-only' : 'faint medium-only' }, statusText(backup)),
    h(
      'td',
      { class: 'row-actions' },
      ...downloads(backup),
      h('button', { class: 'small changes', onclick: () => openRestore(backup) }, 'Restore'),
      h('button', { class: 'small changes', onclick: () => verify(backup) }, 'Verify'),
      h('button', { class: 'small changes', onclick: () => remove(backup) }, 'Delete'),
    ),
  );

/** Creates the table of backups; `guest` is the heading of the guests, where it has backups of several. */
export const backupsTable = (list: HTMLElement, ...guest: string[]): HTMLElement =>
  plainTable(
    [
      ['Age'],
      ...guest.map((title) => [title] as const),
      ['Size', 'c-number medium-only'],
      ['Amount', 'medium-only'],
      ['Consistency', 'medium-only'],
      ['Status', 'medium-only'],
    ],
    list,
    { label: 'Backups', hasActions: true },
  );
