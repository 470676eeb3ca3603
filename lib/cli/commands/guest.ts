import type { Command } from 'commander';
import type { Guest, GuestAction, MistifyClient } from '../../client/index.js';
import { formatMb, shortId } from '../../portable/format.js';
import { type FollowOptions, queues, tellOfJob } from '../follow.js';
import { guestId, nameOf } from '../names.js';
import { type Column, parseFields } from '../output.js';
import { talking } from '../session.js';
import { addCreate } from './guest-create.js';
import { addMetrics } from './guest-metrics.js';

const ACTIONS: Record<GuestAction, string> = {
  start: 'start a guest that is off, or resume a paused one',
  shutdown: 'ask a guest to shut itself down',
  poweroff: "cut a guest's power",
  reboot: 'ask a guest to reboot',
  restart: 'reset a guest, as a reset button does',
  suspend: 'pause a guest',
  resume: 'resume a paused guest',
  delete: 'delete a guest and its disks',
};

const imageOf = ({ image, disks = [] }: Pick<Guest, 'image' | 'disks'>): string | undefined =>
  image ?? disks.find((disk) => disk.image)?.image;

const COLUMNS: readonly Column<Guest>[] = [
  { title: 'ID', value: ({ id }) => id },
  { title: 'NAME', value: nameOf },
  { title: 'STATE', value: ({ state }) => state, state: true },
  { title: 'CPU', value: ({ cpu }) => cpu?.toString(), right: true },
  { title: 'MEMORY', value: ({ memory }) => formatMb(memory), right: true },
  { title: 'IMAGE', value: imageOf },
];

/** Which of a guest's jobs has failed last, and why. */
const lastFailure = async (client: MistifyClient, id: string): Promise<string> => {
  for await (const { Status, Action, Message, ID } of client.jobsOf(id).every())
    if (Status === 'Error') return `its ${Action} has failed: ${Message} (job ${ID})`;
  return 'the job that has failed is no longer in the job log';
};

export const addGuestCommands = (program: Command): void => {
  const guest = program
    .command('guest')
    .description('virtual machines and containers')
    .addHelpText(
      'after',
      `
A guest is named by its id, the beginning of its id, or its metadata key "name".

Examples:
  mistify guest create --image debian-12 --memory 512 --cpu 1 --name web --wait
  mistify guest list
  mistify guest shutdown web --wait`,
    );

  guest
    .command('list')
    .description('the guests of this host')
    .option('--fields <keys>', 'only these keys of each, between commas', parseFields)
    .action(
      talking(async ({ client, out }, { fields }: { fields?: (keyof Guest)[] }) => {
        const guests: Guest[] = [];
        for await (const found of client.guests.every({ limit: 1000, fields })) guests.push(found);
        await out.list(guests, COLUMNS, { fields, none: 'no guests: make one with mistify guest create' });
      }),
    );

  guest
    .command('show <guest>')
    .description('all that is known of a guest')
    .option('--fields <keys>', 'only these keys, between commas', parseFields)
    .action(
      talking(async ({ client, out }, text: string, { fields }: { fields?: string[] }) => {
        const found = await client.guests.get(await guestId(client, text));
        await out.one(found, fields);
        if (found.state === 'error') out.note(await lastFailure(client, found.id));
      }),
    );

  addCreate(guest);
  addMetrics(guest);

  for (const [action, description] of Object.entries(ACTIONS) as [GuestAction, string][])
    queues(guest.command(`${action} <guest>`).description(description)).action(
      talking(async (session, text: string, options: FollowOptions) => {
        const id = await guestId(session.client, text);
        const { dryRun } = options;
        const accepted = await session.client.guests.perform(id, action, { dryRun });
        const name = nameOf(accepted.body) ?? shortId(id);
        await tellOfJob(session, accepted, `${action} ${name}`, options);
      }),
    );
};
