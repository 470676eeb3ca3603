import { type Command, Option } from 'commander';
import type { MistifyClient, SchedulePatch } from '../client/index.js';
import { KEEP_RULES, type Keep, MISSED_POLICIES, type MissedPolicy } from '../model/schedule.js';
import { invalidValue } from './failure.js';
import { guestId } from './names.js';
import { collect, parseCount } from './option-values.js';
import { DEFAULT } from './or-default.js';

type KeepChange = NonNullable<SchedulePatch['keep']>;

/** Reads `RULE=COUNT,…`; a count can be `default`, which removes the rule. */
export const parseKeepChange = (text: string): KeepChange =>
  Object.fromEntries(
    text.split(',').map((part) => {
      const [rule = '', count = ''] = part.trim().split('=', 2);
      if (!KEEP_RULES.some((each) => each === rule))
        throw invalidValue(`"${rule}" is not a rule: give ${KEEP_RULES.join('=, ')}=`);
      return [rule, count === DEFAULT ? null : parseCount(count)];
    }),
  );

/** Reads `RULE=COUNT,…`. */
export const parseKeep = (text: string): Keep =>
  Object.fromEntries(
    Object.entries(parseKeepChange(text)).map(([rule, count]) => {
      if (count === null) throw invalidValue(`${rule}: give a whole number`);
      return [rule, count];
    }),
  );

export interface GuestsOptions {
  guest?: string[];
  tag?: string[];
  all?: boolean;
}

/** Adds the options that choose the guests of a schedule. */
export const addGuestsOptions = (command: Command): Command =>
  command
    .option('--guest <guest>', 'this guest; repeatable', collect)
    .option('--tag <tag>', 'all guests with this tag, also those that get it later; repeatable', collect)
    .addOption(
      new Option('--all', 'all guests of the host, also those that come later').conflicts(['guest', 'tag']),
    );

/** Adds the option for missed runs. */
export const addMissedOption = (command: Command): Command =>
  command.addOption(
    new Option(
      '--missed <policy>',
      'what becomes of runs that were missed while the agent was down: one run makes up for them, or none',
    ).choices(MISSED_POLICIES),
  );

export interface MissedOption {
  missed?: MissedPolicy;
}

/** Returns the guests that options choose, as the whole of a schedule's guests; `undefined` when they choose none. */
export const chosenGuests = async (
  client: MistifyClient,
  { guest = [], tag = [], all = false }: GuestsOptions,
): Promise<{ ids?: string[]; tags?: string[]; all?: boolean } | undefined> => {
  if (!all && guest.length === 0 && tag.length === 0) return undefined;
  const ids = await Promise.all(guest.map((text) => guestId(client, text)));
  return {
    ...(ids.length > 0 ? { ids } : {}),
    ...(tag.length > 0 ? { tags: tag } : {}),
    ...(all ? { all } : {}),
  };
};
