import { type Command, Option } from 'commander';
import type { RestoreRequest } from '../../client/index.js';
import { shortId } from '../../portable/format.js';
import { addConfirmOption, type ConfirmOptions, confirm } from '../confirm.js';
import { addJobOptions, type FollowOptions, reportJob } from '../follow.js';
import { backupId, guestId } from '../names.js';
import { withSession } from '../session.js';

interface RestoreOptions extends FollowOptions, ConfirmOptions {
  guest?: string;
  disk?: string[];
  name?: string;
  id?: string;
  start?: boolean;
}

const collect = (disk: string, earlier: string[] = []): string[] => [...earlier, disk];

export const addBackupRestore = (backup: Command): void => {
  addConfirmOption(
    addJobOptions(
      backup
        .command('restore <backup>')
        .description('restore a backup as a new guest, or into its guest, which must be off')
        .addOption(
          new Option(
            '--guest <guest>',
            'the guest of the backup: what it has now is lost; when it is not on this host, give its ID, and it is made again',
          ).conflicts(['name', 'id']),
        )
        .option('--disk <number>', 'with --guest: only this disk; may be given several times', collect)
        .option('--name <name>', 'name of the new guest')
        .option('--id <uuid>', 'ID of the new guest')
        .option('--start', 'start the guest afterwards'),
    ),
  ).action(
    withSession(async (session, text: string, options: RestoreOptions) => {
      const { client } = session;
      const { guest, disk, name, id, start, dryRun } = options;
      const source = await backupId(client, text);
      const request: RestoreRequest = {
        ...(guest === undefined ? {} : { guest: await guestId(client, guest) }),
        ...(disk === undefined ? {} : { disks: disk }),
        ...(name === undefined ? {} : { name }),
        ...(id === undefined ? {} : { id }),
        ...(start ? { start } : {}),
      };
      const what = disk === undefined ? 'All its disks' : `Disk ${disk.join(', ')}`;
      if (guest !== undefined)
        await confirm(
          `Restore backup ${shortId(source)} into ${guest}? ${what}, as they are now, are lost.`,
          options,
        );
      const accepted = await client.backups.restore(source, request, { dryRun });
      await reportJob(session, accepted, `restore backup ${shortId(source)}`, options);
    }),
  );
};
