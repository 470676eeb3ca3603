import type { Command } from 'commander';
import type { DiskUse, Guest, MistifyClient } from '../../client/index.js';
import { diskNumber, findDisk } from '../../model/disks.js';
import { formatMb } from '../../portable/format.js';
import type { Column } from '../columns.js';
import { addConfirmOption, type ConfirmOptions, confirm } from '../confirm.js';
import { addJobOptions, type FollowOptions, reportJob } from '../follow.js';
import { guestId, labelOf, nameOf } from '../names.js';
import { parseMb } from '../option-values.js';
import { reportJobs } from '../report-jobs.js';
import { withSession } from '../session.js';

const COLUMNS: readonly Column<DiskUse & { number: number }>[] = [
  { title: 'DISK', value: ({ number }) => String(number), right: true },
  { title: 'DEVICE', value: ({ device }) => device },
  { title: 'SERIAL', value: ({ serial }) => serial },
  { title: 'SIZE', value: ({ size }) => formatMb(size), right: true },
  { title: 'USED', value: ({ used }) => formatMb(used), right: true },
  { title: 'BUS', value: ({ bus }) => bus },
  { title: 'IMAGE', value: ({ image }) => image },
];

const addList = (disk: Command): void => {
  disk
    .command('list <guest>')
    .description('list the disks of a guest and the space that they take, with their snapshots')
    .action(
      withSession(async ({ client, out }, text: string) => {
        const disks = await client.guests.disks(await guestId(client, text));
        if (out.json) return out.value(disks);
        await out.list(
          disks.map((each, index) => ({ ...each, number: diskNumber(each, index) })),
          COLUMNS,
          { empty: 'no disks' },
        );
      }),
    );
};

interface AddOptions extends FollowOptions {
  size?: number;
  image?: string;
  bus?: string;
  volume?: string;
}

const addAdd = (disk: Command): void => {
  const command = disk
    .command('add <guest>')
    .description('add a disk to a guest, also while it runs')
    .option('--size <size>', 'size, such as 10G; without a unit in MB', parseMb)
    .option('--image <image>', 'image to clone')
    .option('--bus <bus>', 'virtio, scsi, sata or ide (default: virtio)')
    .option('--volume <volume>', 'the data of a removed disk that was kept');
  addJobOptions(command).action(
    withSession(async (session, text: string, options: AddOptions) => {
      const id = await guestId(session.client, text);
      const { size = null, image = null, bus = null, volume = null, dryRun } = options;
      const accepted = await session.client.guests.addDisk(id, { size, image, bus, volume }, { dryRun });
      await reportJob(session, accepted, `add a disk to ${labelOf(accepted.body)}`, options);
    }),
  );
};

const addGrow = (disk: Command): void => {
  const command = disk
    .command('grow <guest> <disk>')
    .description('grow a disk, by number, serial or device name, also while the guest runs')
    .requiredOption('--size <size>', 'new size, such as 20G; without a unit in MB', parseMb);
  addJobOptions(command).action(
    withSession(
      async (
        session,
        text: string,
        wanted: string,
        { size, ...options }: FollowOptions & { size: number },
      ) => {
        const id = await guestId(session.client, text);
        const { dryRun } = options;
        const accepted = await session.client.guests.changeDisk(id, wanted, { size }, { dryRun });
        const name = labelOf(accepted.body);
        await reportJob(session, accepted, `grow disk ${wanted} of ${name}`, options);
      },
    ),
  );
};

const describeDisk = ({ id, disks = [] }: Guest, wanted: string): string => {
  const found = findDisk(id, disks, wanted);
  const disk = typeof found === 'number' ? disks[found] : undefined;
  return disk ? `disk ${wanted} (${disk.volume || disk.source}, ${formatMb(disk.size)})` : `disk ${wanted}`;
};

const confirmRemoval = async (
  client: MistifyClient,
  id: string,
  wanted: string,
  { keep, force, ...options }: RemoveOptions,
): Promise<void> => {
  if (keep || options.yes || options.dryRun) return;
  // Ask about nothing that the agent refuses, such as a disk that the guest does not have.
  await client.guests.removeDisk(id, wanted, { force, dryRun: true });
  const guest = await client.guests.get(id);
  const name = nameOf(guest) ?? id;
  await confirm(`Remove ${describeDisk(guest, wanted)} from guest ${name} and delete its data?`, options);
};

interface RemoveOptions extends FollowOptions, ConfirmOptions {
  keep?: boolean;
  force?: boolean;
}

const addRemove = (disk: Command): void => {
  const command = addJobOptions(
    disk
      .command('remove <guest> <disk...>')
      .description('remove disks, by number, serial or device name, and delete or keep their data')
      .option('--keep', 'keep the data; the message of the job says how to add it again')
      .option('--force', 'remove even the disk from which a running guest has booted'),
  );
  addConfirmOption(command).action(
    withSession(async (session, text: string, given: string[], options: RemoveOptions) => {
      const { guests } = session.client;
      const id = await guestId(session.client, text);
      const disks = [...new Set(given)];
      for (const disk of disks) await confirmRemoval(session.client, id, disk, options);
      const { keep, force, dryRun } = options;
      const requests = disks.map((disk) => ({
        title: `remove disk ${disk} of ${text}`,
        titleOf: (body: Guest) => `remove disk ${disk} of ${labelOf(body)}`,
        send: () => guests.removeDisk(id, disk, { keep, force, dryRun }),
      }));
      await reportJobs(session, requests, options);
    }),
  );
};

export const addDiskCommands = (guest: Command): void => {
  const disk = guest
    .command('disk')
    .description('list, add, grow and remove the disks of a guest')
    .addHelpText(
      'after',
      `
A disk keeps its number and its serial when others come and go.

Examples:
  mistify guest disk add web --size 10G --wait
  mistify guest disk grow web 1 --size 20G --wait
  mistify guest disk remove web 1 --keep --wait`,
    );
  addList(disk);
  addAdd(disk);
  addGrow(disk);
  addRemove(disk);
};
