import { type Command, Option } from 'commander';
import { MistifyError } from '../../client/errors.js';
import type { MistifyClient, RestoreRequest } from '../../client/index.js';
import { shortId } from '../../portable/format.js';
import { addConfirmOption, type ConfirmOptions, confirm } from '../confirm.js';
import { addJobOptions, type FollowOptions, reportJob, reportNewGuest } from '../follow.js';
import { backedUpGuestId, backupId } from '../names.js';
import { collect } from '../option-values.js';
import { withSession } from '../session.js';

interface RestoreOptions extends FollowOptions, ConfirmOptions {
  guest?: string;
  disk?: string[];
  name?: string;
  id?: string;
  start?: boolean;
}

const isHere = async (client: MistifyClient, guest: string): Promise<boolean> => {
  try {
    await client.guests.get(guest);
    return true;
  } catch (error) {
    if (error instanceof MistifyError && error.status === 404) return false;
    throw error;
  }
};

const requestOf = async (
  client: MistifyClient,
  { guest, disk, name, id, start }: RestoreOptions,
): Promise<RestoreRequest> => ({
  ...(guest === undefined ? {} : { guest: await backedUpGuestId(client, guest) }),
  ...(disk === undefined ? {} : { disks: disk }),
  ...(name === undefined ? {} : { name }),
  ...(id === undefined ? {} : { id }),
  ...(start ? { start } : {}),
});

/** Asks before a restore into a guest that is here. */
const confirmLoss = async (
  client: MistifyClient,
  source: string,
  { guest, disks }: RestoreRequest,
  options: RestoreOptions,
): Promise<void> => {
  if (guest === undefined || !(await isHere(client, guest))) return;
  const what = disks === undefined ? 'All its disks' : `Disk ${disks.join(', ')}`;
  const question = `Restore backup ${shortId(source)} into ${options.guest}? ${what}, as they are now, are lost.`;
  await confirm(question, options);
};

export const addBackupRestore = (backup: Command): void => {
  addConfirmOption(
    addJobOptions(
      backup
        .command('restore <backup>')
        .description('restore a backup as a new guest, or into its guest, which must be off')
        .addOption(
          new Option(
            '--guest <guest>',
            'the guest of the backup: what it has now is lost; when it is not on this host, it is made again',
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
      const source = await backupId(client, text);
      const request = await requestOf(client, options);
      await confirmLoss(client, source, request, options);
      const accepted = await client.backups.restore(source, request, { dryRun: options.dryRun });
      const report = request.guest === undefined ? reportNewGuest : reportJob;
      await report(session, accepted, `restore backup ${shortId(source)}`, options);
    }),
  );
};
