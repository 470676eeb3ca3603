import type { Command } from 'commander';
import type { Guest, GuestAction, MistifyClient } from '../../client/index.js';
import { formatMb, shortImageId } from '../../portable/format.js';
import { reachableAddresses } from '../../portable/reachable-addresses.js';
import { type Column, keysFor, parseFields } from '../columns.js';
import { addConfirmOption, type ConfirmOptions, confirm } from '../confirm.js';
import { portWords } from '../container-words.js';
import { addJobOptions, type FollowOptions } from '../follow.js';
import { guestId, guestIds, labelOf, nameOf } from '../names.js';
import { collect, parseShutdownSeconds } from '../option-values.js';
import { reportJobs } from '../report-jobs.js';
import { withSession } from '../session.js';
import { addAddresses, withAddresses } from './guest-addresses.js';
import { addAgentCommands } from './guest-agent.js';
import { addCdrom } from './guest-cdrom.js';
import { addClone, addTemplate } from './guest-clone.js';
import { addCopy } from './guest-cp.js';
import { addCreate } from './guest-create.js';
import { addDiskCommands } from './guest-disk.js';
import { addExec } from './guest-exec.js';
import { addExport } from './guest-export.js';
import { addImport } from './guest-import.js';
import { addMetrics } from './guest-metrics.js';
import { addNics } from './guest-nics.js';
import { addSet } from './guest-set.js';
import { addUpgradeMachine } from './guest-upgrade.js';
import { addWarm } from './guest-warm.js';

const ACTIONS: Record<GuestAction, string> = {
  start: 'start a guest, or resume a suspended or saved one',
  shutdown: 'ask the operating system of a guest to shut down',
  poweroff: 'cut the power of a guest, or discard its saved memory',
  reboot: 'ask the operating system of a guest to reboot',
  restart: 'reset a guest, like a reset button',
  suspend: 'suspend a guest; its memory is kept',
  save: 'save the memory of a guest to disk and turn it off; its next start resumes it',
  resume: 'resume a suspended guest',
  delete: 'delete a guest and its disks',
};

/** The effect of `--force`, for the actions that have it. */
const FORCE: Partial<Record<GuestAction, string>> = {
  shutdown: 'cut the power of a guest that does not shut down in time',
  reboot: 'reset a guest that does not shut down in time',
  restart: 'reset a guest that is still shutting down after that time',
  start: 'reset a guest that is still shutting down after that time; discard saved memory that does not load',
};

interface ListOptions {
  fields?: string[];
  tag?: string[];
}

interface PowerOptions {
  within?: number;
  force?: boolean;
  boot?: string;
}

const imageOf = ({ image, disks = [] }: Pick<Guest, 'image' | 'disks'>): string | undefined => {
  const id = image ?? disks.find((disk) => disk.image)?.image;
  return id && shortImageId(id);
};

/**
 * A guest's state, or that it is a template, the reason for the state or the health of its program in parentheses, and the number of its
 * warnings, which `guest show` prints.
 */
const stateWords = ({ state, reason, template, warm, program, warnings = [] }: Guest): string | undefined => {
  if (template) return warm ? 'template (warm)' : 'template';
  const why = reason ?? program?.health;
  const words = state && why ? `${state} (${why})` : state;
  if (!words || warnings.length === 0) return words;
  return `${words}, ${warnings.length} warning${warnings.length === 1 ? '' : 's'}`;
};

/** What a guest has, and what it gets at its next start: `1 GB -> 2 GB`. */
const withNext = (
  now: number | undefined,
  next: number | null | undefined,
  format: (value: number) => string,
): string | undefined => {
  if (now === undefined) return undefined;
  return next ? `${format(now)} -> ${format(next)}` : format(now);
};

const COLUMNS: readonly Column<Guest>[] = [
  { title: 'ID', value: ({ id }) => id },
  { title: 'NAME', value: nameOf, from: ['metadata'] },
  { title: 'STATE', value: stateWords, state: true },
  {
    title: 'ADDRESS',
    value: (guest) => reachableAddresses(guest, guest.addresses ?? [])[0],
    from: ['type', 'nics', 'addresses'],
  },
  { title: 'CPU', value: ({ cpu, pending }) => withNext(cpu, pending?.cpu, String), right: true },
  {
    title: 'MEMORY',
    value: ({ memory, pending }) => withNext(memory, pending?.memory, formatMb),
    right: true,
  },
  { title: 'IMAGE', value: imageOf },
  { title: 'TAGS', value: ({ tags }) => tags?.join(', ') },
];

/** The ports that containers publish; a column of its own only where there are some. */
const PORTS: Column<Guest> = {
  title: 'PORTS',
  value: ({ container }) => container?.ports?.map(portWords).join(', '),
  from: ['container'],
};
const ALL_COLUMNS = [...COLUMNS, PORTS];

/** Describes the last failed job of a guest. */
const lastFailure = async (client: MistifyClient, id: string): Promise<string> => {
  for await (const { Status, Action, Message, ID } of client.jobsOf(id).every())
    if (Status === 'Error') return `${Action} failed: ${Message} (job ${ID})`;
  return 'the failed job is no longer in the job log';
};

const confirmDelete = async (
  client: MistifyClient,
  ids: readonly string[],
  options: ConfirmOptions,
): Promise<void> => {
  if (options.yes || options.dryRun) return;
  const guests = await Promise.all(ids.map((id) => client.guests.get(id)));
  const named = guests.map((guest) =>
    nameOf(guest) === undefined ? guest.id : `${nameOf(guest)} (${guest.id})`,
  );
  await confirm(
    named.length === 1
      ? `Delete guest ${named} and its disks?`
      : `Delete ${named.length} guests and their disks: ${named.join(', ')}?`,
    options,
  );
};

export const addGuestCommands = (program: Command): void => {
  const guest = program
    .command('guest')
    .description('manage virtual machines and containers')
    .addHelpText(
      'after',
      `
Refer to a guest by its ID, the beginning of its ID, or its name (the metadata key "name").

Examples:
  mistify guest create --image debian-12 --memory 512 --cpu 1 --name web --wait
  mistify guest list
  mistify guest shutdown web db cache --wait`,
    );

  guest
    .command('list')
    .description('list the guests of this host')
    .option('--tag <tag>', 'only guests with this tag; repeatable, for guests with at least one', collect)
    .option('--fields <keys>', 'only these keys or columns, separated by commas', parseFields)
    .action(
      withSession(async ({ client, out }, { fields, tag }: ListOptions) => {
        const guests: Guest[] = [];
        const query = { limit: 1000, fields: keysFor(fields, ALL_COLUMNS), tag: tag?.join(',') };
        for await (const found of client.guests.every(query)) guests.push(found as Guest);
        const empty = tag ? `no guest has the tag ${tag.join(' or ')}` : 'no guests';
        const columns = fields || guests.some(({ container }) => container?.ports) ? ALL_COLUMNS : COLUMNS;
        await out.list(guests, columns, { fields, empty: `${empty}; create one with: mistify guest create` });
      }),
    );

  guest
    .command('show <guest>')
    .description('show a guest')
    .option('--fields <keys>', 'only these keys, separated by commas', parseFields)
    .action(
      withSession(async (session, text: string, { fields }: { fields?: string[] }) => {
        const { client, out } = session;
        const found = await client.guests.get(await guestId(client, text));
        const isShown = fields?.includes('addresses') ?? true;
        await out.one(isShown ? await withAddresses(session, found) : found, fields);
        if (found.state === 'error') out.note(await lastFailure(client, found.id));
      }),
    );

  addCreate(guest);
  addClone(guest);
  addTemplate(guest);
  addWarm(guest);
  addExec(guest);
  addCopy(guest);
  addExport(guest);
  addImport(guest);
  addAgentCommands(guest);
  addDiskCommands(guest);
  addCdrom(guest);
  addMetrics(guest);
  addNics(guest);
  addSet(guest);
  addAddresses(guest);
  addUpgradeMachine(guest);

  for (const [action, description] of Object.entries(ACTIONS) as [GuestAction, string][]) {
    const command = addJobOptions(guest.command(`${action} <guest...>`).description(description));
    if (action === 'delete') addConfirmOption(command);
    const force = FORCE[action];
    if (force)
      command
        .option(
          '--within <seconds>',
          'how long the guest may take to shut down (default: 60)',
          parseShutdownSeconds,
        )
        .option('--force', force);
    if (action === 'start' || action === 'restart')
      command.option('--boot <device>', 'boot from this disk (disk0) or CD drive (cd0) this once');
    command.action(
      withSession(
        async (session, texts: string[], options: FollowOptions & ConfirmOptions & PowerOptions) => {
          const { client } = session;
          const ids = await guestIds(client, texts);
          if (action === 'delete') await confirmDelete(client, ids, options);
          const { dryRun, within: timeout, force, boot } = options;
          const requests = ids.map((id) => ({
            title: `${action} ${id}`,
            titleOf: (body: Guest) => `${action} ${labelOf(body)}`,
            send: () => client.guests.perform(id, action, { dryRun, timeout, force, boot }),
          }));
          await reportJobs(session, requests, options);
        },
      ),
    );
  }
};
