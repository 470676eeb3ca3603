import type { Command } from 'commander';
import { MistifyError } from '../../client/errors.js';
import type { Accepted, Guest, GuestPatch, MistifyClient } from '../../client/index.js';
import { changeStateOf, describeChange, featuresOf } from '../../model/change-words.js';
import { SIZE_KEYS } from '../../model/guest-size.js';
import { parseAutostartChange, parseRestartChange } from '../coming-back-options.js';
import { usageFailure } from '../failure.js';
import { addJobOptions, type FollowOptions } from '../follow.js';
import { addHardwareOptions, type HardwareChoices, hardwarePatch } from '../hardware-options.js';
import { guestIds, labelOf } from '../names.js';
import { collect, parseCount, parseCpus, parseMb } from '../option-values.js';
import { type OrDefault, orDefault, patchValue } from '../or-default.js';
import { type Request, reportJobs } from '../report-jobs.js';
import { withSession } from '../session.js';

interface SetOptions extends FollowOptions, HardwareChoices {
  name?: string;
  description?: string;
  tag?: string[];
  untag?: string[];
  memory?: OrDefault<number>;
  cpu?: OrDefault<number>;
  image?: string;
  maxMemory?: OrDefault<number>;
  maxCpu?: OrDefault<number>;
  autostart?: OrDefault<NonNullable<GuestPatch['autostart']>>;
  restart?: OrDefault<NonNullable<GuestPatch['restart']>>;
  bootOrder?: OrDefault<string[]>;
}

const NOTES = `
A guest that is off changes at once. One that runs gets more vCPUs at once up to its --max-cpu, and more or less memory
between what it was started with and its --max-memory, if its operating system goes along. All else waits for its next
start, which "pending" in "mistify guest show" says: shut it down and start it, or use reboot; restart is not enough. To
cancel a change that waits, set what the guest has. An empty text or the word "default" returns to the default.

--autostart and --restart keep the settings that they do not name: --autostart always,delay=default keeps the order.

A container whose memory, CPUs or image change is made anew, and restarts, unless its engine can change them while it runs:
docs/containers.md. It keeps its volumes, addresses and name, and a change that fails leaves the old one running.

UEFI variables, with and without Secure Boot, and the state of a TPM are kept while a guest does without them. Changing
back brings them back.

Examples:
  mistify guest set web --memory 2G --cpu 4 --wait
  mistify guest set web --max-memory 8G --max-cpu 8
  mistify guest set web --name shop
  mistify guest set web db --tag production --untag test
  mistify guest set web --max-memory default
  mistify guest set web --boot-order cd0,disk1
  mistify guest set web --firmware uefi --secure-boot on --tpm on --watchdog reset`;

const VALUES = [...SIZE_KEYS, 'autostart', 'restart', 'bootOrder'] as const;

/** The part of the change that does not depend on what the guest has. */
const patchOf = ({ name, description, image, ...options }: SetOptions): GuestPatch => ({
  ...(image === undefined ? {} : { image }),
  ...(name === undefined ? {} : { name: name === '' ? null : name }),
  ...(description === undefined ? {} : { description: description === '' ? null : description }),
  ...Object.fromEntries(
    VALUES.flatMap((key) => {
      const value = options[key];
      return value === undefined ? [] : [[key, patchValue<unknown>(value)]];
    }),
  ),
  ...hardwarePatch(options),
});

const retagged = ({ tags = [] }: Guest, { tag = [], untag = [] }: SetOptions): string[] => [
  ...new Set([...tags.filter((each) => !untag.includes(each)), ...tag]),
];

/** How often the tags are read again because the guest has changed meanwhile. */
const MAX_ATTEMPTS = 5;

const isOutdated = (error: unknown): boolean => error instanceof MistifyError && error.status === 412;

/** Changes a guest. Tags are added to and removed from those that the guest has at that moment. */
const change = async (
  client: MistifyClient,
  id: string,
  options: SetOptions,
): Promise<{ before: Guest; accepted: Accepted<Guest> }> => {
  const { dryRun, tag, untag } = options;
  for (let attempt = 1; ; attempt += 1) {
    const { body: before, etag } = await client.guests.getTagged(id);
    const patch = patchOf(options);
    if (!tag && !untag) return { before, accepted: await client.guests.update(id, patch, { dryRun }) };
    try {
      const tags = retagged(before, options);
      const accepted = await client.guests.update(id, { ...patch, tags }, { dryRun, ifMatch: etag });
      return { before, accepted };
    } catch (error) {
      if (!isOutdated(error) || attempt === MAX_ATTEMPTS) throw error;
    }
  }
};

const requireChange = ({ tag, untag, ...options }: SetOptions): void => {
  if (Object.keys(patchOf(options)).length === 0 && !tag && !untag)
    throw usageFailure(
      'nothing to change: give at least one option',
      'To list them: mistify guest set --help',
    );
};

/** A guest before and after a change. */
interface Change {
  before: Guest;
  after: Guest;
}

/** @param changes gets the change, once the agent has accepted it */
const requestOf = (
  client: MistifyClient,
  id: string,
  options: SetOptions,
  changes: Change[],
): Request<Guest> => {
  let label = id;
  return {
    title: `set ${id}`,
    titleOf: () => `set ${label}`,
    send: async () => {
      const { before, accepted } = await change(client, id, options);
      changes.push({ before, after: accepted.body });
      label = labelOf(before);
      return accepted;
    },
  };
};

export const addSet = (guest: Command): void => {
  const command = guest
    .command('set <guest...>')
    .description('change guests, at once or at their next start')
    .option('--name <name>', 'name of the guest, kept in its metadata key "name"')
    .option('--description <text>', 'a text for people')
    .option('--tag <tag>', 'add a tag; repeatable', collect)
    .option('--untag <tag>', 'remove a tag; repeatable', collect)
    .option('--memory <size>', 'memory, in MB or with a unit: 2G', orDefault(parseMb))
    .option('--cpu <count>', 'number of vCPUs; a container may have a part of one: 0.5', orDefault(parseCpus))
    .option('--image <image>', 'image of a container, which is made anew')
    .option('--max-memory <size>', 'memory that a running guest can grow to', orDefault(parseMb))
    .option('--max-cpu <count>', 'number of vCPUs that a running guest can grow to', orDefault(parseCount))
    .option(
      '--autostart <policy>',
      'start after a boot of the host: never, always, or last (as before the boot); last,order=10,delay=30,shutdown-timeout=120,host-down=save',
      orDefault(parseAutostartChange),
    )
    .option(
      '--restart <policy>',
      'start again after a failure: never, on-failure, or always (containers, after any exit); on-failure,retries=5,window=600',
      orDefault(parseRestartChange),
    )
    .option(
      '--boot-order <devices>',
      'disks and CD drives to boot from before all others, in this order: disk1,cd0',
      orDefault((text) => text.split(',').map((device) => device.trim())),
    )
    .addHelpText('after', NOTES);
  addJobOptions(addHardwareOptions(command)).action(
    withSession(async (session, texts: string[], options: SetOptions) => {
      requireChange(options);
      const ids = await guestIds(session.client, texts);
      if (options.name !== undefined && ids.length > 1) throw usageFailure('--name is for one guest');
      const changes: Change[] = [];
      await reportJobs(
        session,
        ids.map((id) => requestOf(session.client, id, options, changes)),
        options,
      );
      const features = featuresOf(patchOf(options));
      if (!options.dryRun || features.length === 0 || session.out.json) return;
      for (const { before, after } of changes)
        session.out.line(describeChange(changeStateOf(before), changeStateOf(after), features, true));
    }),
  );
};
