import type { Command } from 'commander';
import type { VolumeBackup } from '../../client/index.js';
import { shortId } from '../../portable/format.js';
import { bytesText, verificationText } from '../backup-words.js';
import { type Column, keysFor, parseFields } from '../columns.js';
import { addConfirmOption, type ConfirmOptions, confirm } from '../confirm.js';
import { addJobOptions, type FollowOptions, reportJob } from '../follow.js';
import { idsOf, volumeBackupId } from '../names.js';
import { reportJobs } from '../report-jobs.js';
import { withSession } from '../session.js';

const COLUMNS: readonly Column<Partial<VolumeBackup>>[] = [
  { title: 'ID', value: ({ id = '' }) => shortId(id) },
  { title: 'VOLUME', value: ({ volume }) => volume },
  { title: 'HOST', value: ({ host }) => host },
  { title: 'CREATED', value: ({ created }) => created },
  { title: 'SIZE', value: ({ size }) => bytesText(size), right: true },
  { title: 'STORED', value: ({ stored }) => bytesText(stored), right: true },
  { title: 'FILES', value: ({ consistency }) => consistency, from: ['consistency'] },
  { title: 'STATUS', value: verificationText, from: ['verified', 'problem'] },
];

const addList = (backup: Command): void => {
  backup
    .command('list [volume]')
    .description('list the backups of a volume, or of all volumes, newest first')
    .option('--fields <keys>', 'only these keys or columns, separated by commas', parseFields)
    .action(
      withSession(async ({ client, out }, volume: string | undefined, options: { fields?: string[] }) => {
        const { fields } = options;
        const { items } = await client.volumeBackups.list({ volume, fields: keysFor(fields, COLUMNS) });
        await out.list<Partial<VolumeBackup>>(items, COLUMNS, {
          fields,
          empty: 'no backups of volumes; make one with: mistify volume backup create',
        });
      }),
    );
};

const addRestore = (backup: Command): void => {
  addJobOptions(
    backup
      .command('restore <backup>')
      .description('make a new volume of a backup')
      .option('--as <name>', 'name of the new volume; by default that of the volume that was backed up'),
  ).action(
    withSession(async (session, text: string, { as, ...options }: FollowOptions & { as?: string }) => {
      const id = await volumeBackupId(session.client, text);
      const wanted = as === undefined ? {} : { volume: as };
      const accepted = await session.client.volumeBackups.restore(id, wanted, { dryRun: options.dryRun });
      await reportJob(session, accepted, `restore backup ${shortId(id)}`, options);
    }),
  );
};

const addVerify = (backup: Command): void => {
  addJobOptions(
    backup.command('verify <backup...>').description('read backups completely, without restoring them'),
  ).action(
    withSession(async (session, texts: string[], options: FollowOptions) => {
      const { volumeBackups } = session.client;
      const requests = (await idsOf(volumeBackupId, session.client, texts)).map((id) => ({
        title: `verify backup ${shortId(id)}`,
        send: () => volumeBackups.verify(id, { dryRun: options.dryRun }),
      }));
      await reportJobs(session, requests, options);
    }),
  );
};

const addDelete = (backup: Command): void => {
  addConfirmOption(
    addJobOptions(
      backup
        .command('delete <backup...>')
        .description('delete backups; others do not need them, and "backup prune" frees their room'),
    ),
  ).action(
    withSession(async (session, texts: string[], options: FollowOptions & ConfirmOptions) => {
      const { volumeBackups } = session.client;
      const ids = await idsOf(volumeBackupId, session.client, texts);
      const which = ids.length === 1 ? `the backup ${shortId(ids[0] ?? '')}` : `${ids.length} backups`;
      await confirm(`Delete ${which} of volumes?`, options);
      const requests = ids.map((id) => ({
        title: `delete backup ${shortId(id)}`,
        send: () => volumeBackups.delete(id, { dryRun: options.dryRun }),
      }));
      await reportJobs(session, requests, options);
    }),
  );
};

export const addVolumeBackupCommands = (volume: Command): void => {
  const backup = volume
    .command('backup')
    .description('back volumes up to the repository, and restore them')
    .addHelpText(
      'after',
      `
Refer to a backup by its ID or the beginning of its ID. The files are of one moment only if no container that has the
volume mounted runs meanwhile: suspend or shut the guests down first.

Examples:
  mistify guest suspend db --wait && mistify volume backup create shop-data --wait; mistify guest resume db
  mistify volume backup list shop-data
  mistify volume backup restore 1f3c8d20 --as shop-data-2 --wait`,
    );

  addJobOptions(backup.command('create <volume>').description('back the files of a volume up')).action(
    withSession(async (session, volumeName: string, options: FollowOptions) => {
      const accepted = await session.client.volumeBackups.create(volumeName, { dryRun: options.dryRun });
      await reportJob(session, accepted, `back up volume ${volumeName}`, options);
    }),
  );
  addList(backup);
  addRestore(backup);
  addVerify(backup);
  addDelete(backup);
};
