import { rm } from 'node:fs/promises';
import type { CheckpointRequest } from '../../../rpc/protocol/checkpoint-messages.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import type { CallContext } from '../../../rpc/server/call-context.js';
import { draftCheckpoint } from '../../shared/checkpoint-files.js';
import type { Entry } from '../guests/entry.js';
import { guestDirs } from '../guests/guest-dirs.js';
import type { Guests } from '../guests/guests.js';
import type { Watch } from '../guests/watch.js';
import { requireSettled } from '../saved-memory/save.js';
import { Checkpoint } from './checkpoint.js';
import { readCheckpoint } from './record.js';

/**
 * Returns the directory of a guest's disks.
 * @throws {Refusal} `conflict` for a guest whose disks are in none
 */
export const diskDirOf = async (guests: Guests, { id, paths, record }: Entry): Promise<string> => {
  const { stateDir } = paths;
  const { disks } = record.definition;
  const [dir = stateDir] = await guestDirs({ id, disks, diskDirs: guests.host.layout.diskDirs, stateDir });
  if (dir !== stateDir) return dir;
  throw new Refusal(
    'conflict',
    `guest ${id} has no disks in a storage here, so its snapshots have no memory`,
  );
};

/** Removes the memory that a snapshot did not get. */
export const removeDraft = async (guests: Guests, entry: Entry): Promise<void> => {
  const dir = await diskDirOf(guests, entry).catch(() => undefined);
  if (dir !== undefined) await rm(draftCheckpoint(dir).dir, { recursive: true, force: true });
};

/** @throws {Refusal} `conflict` when a snapshot of the guest cannot have its memory */
const requireRunning = async (guests: Guests, entry: Entry): Promise<{ watch: Watch; guestDir: string }> => {
  const { state, reason } = await guests.state(entry);
  const { watch } = entry;
  if (!watch || state !== 'running' || reason !== undefined)
    throw entry.stateError(
      state,
      'only a snapshot of a guest that runs can have its memory: take it without (memory=false), or let the guest run',
    );
  requireSettled(entry);
  return { watch, guestDir: await diskDirOf(guests, entry) };
};

/** @throws {Refusal} as `beginCheckpoint`, as far as that is known before */
export const checkCheckpoint = async (guests: Guests, id: string): Promise<void> => {
  await requireRunning(guests, guests.get(id));
};

type TakeContext = Pick<CallContext, 'signal' | 'progress' | 'log' | 'job'>;

/**
 * Copies the memory of a guest, for a snapshot. Afterwards the guest is halted until `endCheckpoint`, for a minute at most.
 * @throws {Refusal} `conflict` for a guest in another state; after any error it runs on
 */
export const beginCheckpoint = (guests: Guests, id: string, context: TakeContext): Promise<Entry> =>
  guests.exclusively(id, async () => {
    const entry = guests.get(id);
    // One whose agent was killed.
    await entry.checkpoint?.abort(new Error('interrupted'));
    const { watch, guestDir } = await requireRunning(guests, entry);
    const { signal, job } = context;
    const files = draftCheckpoint(guestDir);
    const checkpoint = new Checkpoint({ guests, entry, watch, guestDir, files, job: job?.job, context });
    entry.checkpoint = checkpoint;
    const onAbort = (): void => void checkpoint.abort(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await checkpoint.held;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
    return entry;
  });

/**
 * Lets a guest run that `beginCheckpoint` has halted. If all went well, its memory is complete afterwards; otherwise it is
 * removed.
 * @throws {Refusal} `conflict` when all went well, but the guest was let run before
 */
export const endCheckpoint = async (
  guests: Guests,
  { guest, outcome }: CheckpointRequest,
  { job }: Pick<CallContext, 'job'>,
): Promise<void> => {
  const entry = guests.find(guest.id);
  if (!entry) return;
  const { checkpoint } = entry;
  if (outcome !== 'succeeded') {
    await checkpoint?.abort(new Error('the snapshot was not taken'));
    await removeDraft(guests, entry);
    return;
  }
  if (checkpoint) {
    await checkpoint.complete();
    return;
  }
  const taken = await readCheckpoint(draftCheckpoint(await diskDirOf(guests, entry)));
  if (taken === undefined || taken.job !== job?.job)
    throw new Refusal(
      'conflict',
      `the memory of guest ${guest.id} was not copied to its end: the guest was let run before: take the snapshot again`,
    );
};
