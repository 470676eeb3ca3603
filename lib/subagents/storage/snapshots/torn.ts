import { errorMessage } from '../../../errors.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import { readRollbackMark, removeRollbackMark, writeRollbackMark } from '../../shared/rollback-mark.js';
import { isNvram } from '../nvram.js';
import type { StoredDisk } from '../stored.js';
import { TornError } from '../torn-error.js';
import type { SnapshotDeps } from './deps.js';
import type { Intent } from './journal.js';
import { commonSnapshots } from './lookup.js';

type Deps = Pick<SnapshotDeps, 'store' | 'journal'>;

/** A rollback that has failed midway. */
export type Torn = Intent & { left: number[] };

export const isTorn = (intent: Intent | undefined): intent is Torn => intent?.left !== undefined;

const listDisks = (numbers: number[]): string => {
  const disks = numbers.filter((index) => !isNvram({ index }));
  const named = disks.length === 0 ? [] : [`disk${disks.length === 1 ? '' : 's'} ${disks.join(', ')}`];
  return [...named, ...(disks.length < numbers.length ? ['the UEFI variables'] : [])].join(' and ');
};

/** Whether a verb that follows `listDisks` is singular. */
const isOne = ([first, second]: number[]): boolean =>
  first !== undefined && second === undefined && !isNvram({ index: first });

const describeDisks = ({ name, disks, left }: Torn): string => {
  const done = disks.filter((disk) => !left.includes(disk));
  return done.length === 0
    ? `its rollback to ${name} was interrupted and may have reached only some of its disks`
    : `${listDisks(done)} ${isOne(done) ? 'is' : 'are'} rolled back to ${name}, ${listDisks(left)} ` +
        `${isOne(left) ? 'is' : 'are'} not`;
};

/** Describes the state of a guest's disks, the reason, and what to do. */
const explain = async ({ store }: Deps, guest: string, torn: Torn): Promise<string> => {
  const disks: StoredDisk[] = (await store.findDisks(guest)) ?? [];
  const common = await commonSnapshots(store, disks);
  const way =
    common.length === 0
      ? 'delete the guest'
      : `roll all its disks back again, to a snapshot that all of them have (${common.join(', ')}), or delete the guest`;
  return `${describeDisks(torn)} (${torn.reason}): ${way}`;
};

/** Records that a rollback has begun, and keeps the guest from starting. */
export const beginRollback = async (
  { store, journal }: Deps,
  guest: string,
  intent: Intent,
): Promise<void> => {
  await journal.write(guest, intent);
  await writeRollbackMark(
    store.guestDir(guest),
    `it is being rolled back to snapshot ${intent.name}; the storage sub-agent completes that at its next start if it was interrupted`,
  );
};

/** Records that all disks are at the same time again, and lets the guest start. */
export const endRollback = async ({ store, journal }: Deps, guest: string): Promise<void> => {
  // In this order: once the mark is gone the guest may start, and no recovery may change its disks.
  await removeRollbackMark(store.guestDir(guest));
  await journal.clear(guest);
};

/**
 * Records that the disks are at different times. The guest does not start until a rollback brings them together.
 * @returns the text of the mark
 */
export const recordTorn = async (deps: Deps, guest: string, torn: Torn): Promise<string> => {
  await deps.journal.write(guest, torn);
  const text = await explain(deps, guest, torn);
  await writeRollbackMark(deps.store.guestDir(guest), text);
  return text;
};

/**
 * Records that a rollback has failed midway.
 * @returns the error to report
 */
export const tornBy = async (
  deps: Deps,
  guest: string,
  intent: Intent,
  error: unknown,
): Promise<TornError> => {
  const left = error instanceof TornError ? error.left : intent.disks;
  const torn = { ...intent, left, reason: errorMessage(error) };
  // Even if that cannot be recorded, the mark of the rollback in progress is there.
  const text = await recordTorn(deps, guest, torn).catch(
    () => `${describeDisks(torn)} (${torn.reason}): roll all its disks back again`,
  );
  return new TornError(`guest ${guest} does not start: ${text}`, left, { cause: error });
};

/** @throws {Refusal} when a rollback of the guest has failed midway, or is not complete yet */
export const requireNotTorn = async ({ store }: Pick<Deps, 'store'>, guest: string): Promise<void> => {
  const text = await readRollbackMark(store.guestDir(guest));
  if (text !== undefined) throw new Refusal('conflict', `guest ${guest}: ${text}`);
};
