import type { Command } from 'commander';
import type { Backup, BackupDetails, MistifyClient } from '../../client/index.js';
import { shortId } from '../../portable/format.js';
import { bytesText, verificationText } from '../backup-words.js';
import { type Column, keysFor, parseFields } from '../columns.js';
import { addConfirmOption, type ConfirmOptions, confirm } from '../confirm.js';
import { addJobOptions, type FollowOptions, reportJob } from '../follow.js';
import { backedUpGuestId, backupId, guestsNamed, idsOf } from '../names.js';
import { reportJobs } from '../report-jobs.js';
import { withSession } from '../session.js';
import { addBackupDownload } from './backup-download.js';
import { addBackupRestore } from './backup-restore.js';

const COLUMNS: readonly Column<Partial<Backup>>[] = [
  { title: 'ID', value: ({ id = '' }) => shortId(id) },
  { title: 'GUEST', value: ({ name, guest = '' }) => name ?? shortId(guest) },
  { title: 'HOST', value: ({ host }) => host },
  { title: 'CREATED', value: ({ created }) => created },
  { title: 'SIZE', value: ({ size }) => bytesText(size), right: true },
  { title: 'READ', value: ({ read }) => bytesText(read), right: true },
  { title: 'STORED', value: ({ stored }) => bytesText(stored), right: true },
  { title: 'CONSISTENCY', value: ({ consistency }) => consistency },
  { title: 'STATUS', value: verificationText, from: ['verified', 'problem'] },
];

/** A backup whose numbers of bytes can be read. */
const readable = ({ size, read, stored, disks, ...others }: BackupDetails): object => ({
  ...others,
  size: bytesText(size),
  read: bytesText(read),
  stored: bytesText(stored),
  disks: disks.map(({ disk, size: ofDisk }) => ({ disk, size: bytesText(ofDisk) })),
});

const addList = (backup: Command): void => {
  backup
    .command('list [guest]')
    .description('list the backups of a guest, or all of the repository, newest first')
    .option('--fields <keys>', 'only these keys or columns, separated by commas', parseFields)
    .action(
      withSession(async ({ client, out }, guest: string | undefined, options: { fields?: string[] }) => {
        const { fields } = options;
        const filter = guest === undefined ? {} : { guest: await backedUpGuestId(client, guest) };
        const { items } = await client.backups.list({ ...filter, fields: keysFor(fields, COLUMNS) });
        await out.list<Partial<Backup>>(items, COLUMNS, {
          fields,
          empty: 'no backups; make one with: mistify backup create',
        });
      }),
    );
};

const addVerify = (backup: Command): void => {
  addJobOptions(
    backup
      .command('verify <backup...>')
      .description('read backups completely and compare them with what was written'),
  ).action(
    withSession(async (session, texts: string[], options: FollowOptions) => {
      const { client } = session;
      const requests = (await idsOf(backupId, client, texts)).map((id) => ({
        title: `verify backup ${shortId(id)}`,
        send: () => client.backups.verify(id, { dryRun: options.dryRun }),
      }));
      await reportJobs(session, requests, options);
    }),
  );
};

const confirmDelete = async (
  client: MistifyClient,
  ids: readonly string[],
  options: ConfirmOptions,
): Promise<void> => {
  const backups = await Promise.all(ids.map((id) => client.backups.get(id)));
  const named = backups.map(({ name, guest, created }) => `${name ?? shortId(guest)} of ${created}`);
  await confirm(
    named.length === 1
      ? `Delete the backup of ${named[0]}?`
      : `Delete ${named.length} backups: ${named.join(', ')}?`,
    options,
  );
};

const addDelete = (backup: Command): void => {
  addConfirmOption(
    addJobOptions(
      backup
        .command('delete <backup...>')
        .description('delete backups; later ones do not need them, and prune frees their room'),
    ),
  ).action(
    withSession(async (session, texts: string[], options: FollowOptions & ConfirmOptions) => {
      const { client } = session;
      const ids = await idsOf(backupId, client, texts);
      await confirmDelete(client, ids, options);
      const requests = ids.map((id) => ({
        title: `delete backup ${shortId(id)}`,
        send: () => client.backups.delete(id, { dryRun: options.dryRun }),
      }));
      await reportJobs(session, requests, options);
    }),
  );
};

export const addBackupCommands = (program: Command): void => {
  const backup = program
    .command('backup')
    .description('back virtual machines up to the repository, and restore them')
    .addHelpText(
      'after',
      `
A backup has the whole guest: its disks at one moment, its record and metadata, its UEFI variables and its TPM.
Refer to a backup by its ID or the beginning of its ID.

Examples:
  mistify backup create web --wait
  mistify backup list web
  mistify backup restore 1f3c8d20 --name web-copy --wait
  mistify guest shutdown web --wait && mistify backup restore 1f3c8d20 --guest web --yes --wait`,
    );

  addJobOptions(
    backup
      .command('create <guest...>')
      .description('back guests up, while they run or are off; only what has changed is read'),
  ).action(
    withSession(async (session, texts: string[], options: FollowOptions) => {
      const { client } = session;
      const requests = (await guestsNamed(client, texts)).map(({ id, label }) => ({
        title: `back up ${label}`,
        send: () => client.backupsOf(id).create({ dryRun: options.dryRun }),
      }));
      await reportJobs(session, requests, options);
    }),
  );

  addList(backup);

  backup
    .command('show <backup>')
    .description('show a backup, and the record of its guest')
    .option('--fields <keys>', 'only these keys, separated by commas', parseFields)
    .action(
      withSession(async ({ client, out }, text: string, { fields }: { fields?: string[] }) => {
        const details = await client.backups.get(await backupId(client, text));
        await out.one(out.json ? details : readable(details), fields);
      }),
    );

  addBackupRestore(backup);
  addVerify(backup);
  addDelete(backup);

  addJobOptions(
    backup.command('prune').description('free the room of deleted backups in the repository'),
  ).action(
    withSession(async (session, options: FollowOptions) => {
      const accepted = await session.client.backups.prune({ dryRun: options.dryRun });
      await reportJob(session, accepted, 'prune the repository', options);
    }),
  );

  addBackupDownload(backup);
};
