import type { Command } from 'commander';
import type { Backup, BackupDetails } from '../../client/index.js';
import { formatAge, formatBytes, shortId } from '../../portable/format.js';
import { addConfirmOption, type ConfirmOptions, confirm } from '../confirm.js';
import { addJobOptions, type FollowOptions, reportJob } from '../follow.js';
import { backedUpGuestId, backupId, guestId } from '../names.js';
import { type Column, parseFields } from '../output.js';
import { withSession } from '../session.js';
import { addBackupDownload } from './backup-download.js';
import { addBackupRestore } from './backup-restore.js';

const bytes = (count: number | undefined): string => (count === undefined ? '' : formatBytes(count));

const verification = ({ verified, problem }: Partial<Backup>): string => {
  if (problem) return problem;
  if (!verified) return '';
  return `${verified.ok ? 'verified' : 'damaged'} ${formatAge(verified.at)}`;
};

const COLUMNS: readonly Column<Partial<Backup>>[] = [
  { title: 'ID', value: ({ id = '' }) => shortId(id) },
  { title: 'GUEST', value: ({ name, guest = '' }) => name ?? shortId(guest) },
  { title: 'HOST', value: ({ host }) => host },
  { title: 'CREATED', value: ({ created }) => created },
  { title: 'SIZE', value: ({ size }) => bytes(size), right: true },
  { title: 'READ', value: ({ read }) => bytes(read), right: true },
  { title: 'STORED', value: ({ stored }) => bytes(stored), right: true },
  { title: 'CONSISTENCY', value: ({ consistency }) => consistency },
  { title: 'STATUS', value: verification },
];

/** A backup whose numbers of bytes can be read. */
const readable = ({ size, read, stored, disks, ...others }: BackupDetails): object => ({
  ...others,
  size: bytes(size),
  read: bytes(read),
  stored: bytes(stored),
  disks: disks.map(({ disk, size: ofDisk }) => ({ disk, size: bytes(ofDisk) })),
});

const addList = (backup: Command): void => {
  backup
    .command('list [guest]')
    .description('list the backups of a guest, or all of the repository, newest first')
    .option('--fields <keys>', 'only these keys, separated by commas', parseFields)
    .action(
      withSession(
        async ({ client, out }, guest: string | undefined, options: { fields?: (keyof Backup)[] }) => {
          const { fields } = options;
          const filter = guest === undefined ? {} : { guest: await backedUpGuestId(client, guest) };
          const { items } = await client.backups.list({ ...filter, fields });
          await out.list<Partial<Backup>>(items, COLUMNS, {
            fields,
            empty: 'no backups; make one with: mistify backup create',
          });
        },
      ),
    );
};

const addVerify = (backup: Command): void => {
  addJobOptions(
    backup
      .command('verify <backup>')
      .description('read a backup completely and compare it with what was written'),
  ).action(
    withSession(async (session, text: string, options: FollowOptions) => {
      const id = await backupId(session.client, text);
      const accepted = await session.client.backups.verify(id, { dryRun: options.dryRun });
      await reportJob(session, accepted, `verify backup ${shortId(id)}`, options);
    }),
  );
};

const addDelete = (backup: Command): void => {
  addConfirmOption(
    addJobOptions(
      backup
        .command('delete <backup>')
        .description('delete a backup; later ones do not need it, and prune frees its room'),
    ),
  ).action(
    withSession(async (session, text: string, options: FollowOptions & ConfirmOptions) => {
      const { client } = session;
      const id = await backupId(client, text);
      const { name, guest, created } = await client.backups.get(id);
      await confirm(`Delete the backup of ${name ?? shortId(guest)} of ${created}?`, options);
      const accepted = await client.backups.delete(id, { dryRun: options.dryRun });
      await reportJob(session, accepted, `delete backup ${shortId(id)}`, options);
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
      .command('create <guest>')
      .description('back a guest up, while it runs or is off; only what has changed is read'),
  ).action(
    withSession(async (session, guest: string, options: FollowOptions) => {
      const backups = session.client.backupsOf(await guestId(session.client, guest));
      const accepted = await backups.create({ dryRun: options.dryRun });
      await reportJob(session, accepted, `back up ${guest}`, options);
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
