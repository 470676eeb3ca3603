import { GUEST_UIDS, type UidRange } from '../process/guest-uids.js';
import type { ServiceConfig } from './schema.js';

const OPTION = '--uid-range';

const rangeIn = (command: readonly string[] = []): UidRange | undefined => {
  const given = command.find((word) => word.startsWith(`${OPTION}=`))?.slice(OPTION.length + 1);
  const value = given ?? command[command.indexOf(OPTION, 1) + 1];
  const [, first, last] = /^(\d+)-(\d+)$/.exec(value ?? '') ?? [];
  return first === undefined ? undefined : { first: Number(first), last: Number(last) };
};

/** Returns the uids that guests of this host may have: those that agents share out, and those of `--uid-range`. */
export const guestUids = (services: ReadonlyMap<string, ServiceConfig>): UidRange[] => [
  GUEST_UIDS,
  ...[...services.values()].flatMap(({ command }) => rangeIn(command) ?? []),
];
