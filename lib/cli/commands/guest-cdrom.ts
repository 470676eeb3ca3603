import type { Command } from 'commander';
import { cdromsOf } from '../../model/cd-drives.js';
import type { Column } from '../columns.js';
import { addJobOptions, type FollowOptions, reportJob } from '../follow.js';
import { guestId, labelOf } from '../names.js';
import { type Session, withSession } from '../session.js';

interface Drive {
  device: string;
  image: string;
}

const COLUMNS: readonly Column<Drive>[] = [
  { title: 'DRIVE', value: ({ device }) => device },
  { title: 'IMAGE', value: ({ image }) => image },
];

interface DriveOptions extends FollowOptions {
  drive: string;
  force?: boolean;
}

const addDriveOptions = (command: Command): Command =>
  addJobOptions(command)
    .option('--drive <drive>', 'the CD drive', 'cd0')
    .option('--force', 'open the drive although the guest uses the CD; reading it then fails');

/** @param image what to insert; `null` to eject */
const change = async (
  session: Session,
  text: string,
  image: string | null,
  { drive, force, ...options }: DriveOptions,
): Promise<void> => {
  const id = await guestId(session.client, text);
  const { dryRun } = options;
  const accepted = await session.client.guests.changeCdrom(id, drive, image, { force, dryRun });
  const what = image === null ? `eject ${drive}` : `insert ${image}`;
  await reportJob(session, accepted, `${what}, ${labelOf(accepted.body)}`, options);
};

/** Adds the commands of CD drives. */
export const addCdrom = (guest: Command): void => {
  const cdrom = guest
    .command('cdrom')
    .description('manage the CD drives of a guest')
    .addHelpText(
      'after',
      `
Examples:
  mistify guest cdrom insert web debian-12-netinst --wait
  mistify guest restart web --boot cd0 --wait
  mistify guest cdrom eject web --wait`,
    );
  cdrom
    .command('list <guest>')
    .description('list the CD drives of a guest and what is in them')
    .action(
      withSession(async ({ client, out }, text: string) => {
        const drives = [...cdromsOf(await client.guests.get(await guestId(client, text)))];
        if (out.json) return out.value(drives);
        await out.list(drives, COLUMNS, { empty: 'no CD drives' });
      }),
    );
  addDriveOptions(
    cdrom
      .command('insert <guest> <image>')
      .description('insert an ISO image into a CD drive, in place of the present one'),
  ).action(
    withSession((session, text: string, image: string, options: DriveOptions) =>
      change(session, text, image, options),
    ),
  );
  addDriveOptions(cdrom.command('eject <guest>').description('take the ISO image out of a CD drive')).action(
    withSession((session, text: string, options: DriveOptions) => change(session, text, null, options)),
  );
};
