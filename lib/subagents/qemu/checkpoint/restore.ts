import { constants } from 'node:fs';
import { copyFile, link, rm } from 'node:fs/promises';
import { isErrno } from '../../../errors.js';
import { moveIntoPlace } from '../../../files/atomic-files.js';
import { parseSnapshotId } from '../../../model/snapshot.js';
import type { CheckpointRequest } from '../../../rpc/protocol/checkpoint-messages.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import { type CheckpointFiles, checkpointFiles } from '../../shared/checkpoint-files.js';
import type { Entry } from '../guests/entry.js';
import { generationOf } from '../guests/generation.js';
import type { Guests } from '../guests/guests.js';
import { run } from '../guests/lifecycle.js';
import { poweroff } from '../guests/power.js';
import type { PowerOptions } from '../guests/power-options.js';
import { shownReason } from '../guests/shown-reason.js';
import { LoadError, requireSameCpu, requireWhole } from '../saved-memory/load.js';
import { draftOf, SAVED_REASON } from '../saved-memory/saved-memory.js';
import { hardwareOf } from './hardware.js';
import { hardwareChanges } from './hardware-changes.js';
import { type CheckpointRecord, readCheckpoint } from './record.js';
import { diskDirOf } from './take.js';
import { restoreTpmState } from './tpm-state.js';

const DISKS_ONLY = 'roll back its disks only (memory=false, --no-memory)';

interface Found extends CheckpointRecord {
  files: CheckpointFiles;
}

/**
 * Finds the memory that a rollback restores; `undefined` for a rollback of disks only.
 * @throws {Refusal} `conflict` when memory is asked for, and the snapshot has none
 */
const findMemory = async (
  guests: Guests,
  entry: Entry,
  { id, memory }: CheckpointRequest,
): Promise<Found | undefined> => {
  const { disk, name } = parseSnapshotId(id) ?? {};
  if (memory === false || disk !== undefined || name === undefined) return undefined;
  const dir = await diskDirOf(guests, entry).catch(() => undefined);
  const files = dir === undefined ? undefined : checkpointFiles(dir, name);
  const found = files && (await readCheckpoint(files));
  if (files && found) return { ...found, files };
  if (memory !== true) return undefined;
  throw new Refusal('conflict', `snapshot ${name} of guest ${entry.id} has no memory: ${DISKS_ONLY}`);
};

/** @throws {Refusal} `conflict` when memory does not fit the guest, or this host */
const requireUsable = async (
  guests: Guests,
  entry: Entry,
  { saved, hardware, files }: Found,
): Promise<void> => {
  const changes = hardwareChanges(hardware, await hardwareOf(entry));
  const refuse = (reason: string, advice: string): Refusal =>
    new Refusal(
      'conflict',
      `the memory in the snapshot does not fit guest ${entry.id} any longer: ${reason}: ${advice}`,
    );
  if (changes.length > 0) throw refuse(changes.join('; '), `undo that, or ${DISKS_ONLY}`);
  const { program } = guests.host;
  try {
    const { cpuModel } = await guests.machines.prepareResumed(entry);
    const { version } = await program.capabilities();
    requireSameCpu(saved, { version, accel: program.accel, cpuModel });
    await requireWhole(files.memory, saved);
  } catch (error) {
    throw error instanceof LoadError ? refuse(error.message, DISKS_ONLY) : error;
  }
};

/**
 * Checks, before any disk changes, that a rollback can restore the guest's memory.
 * @throws {Refusal} `conflict` when it cannot
 */
export const checkRollback = async (guests: Guests, request: CheckpointRequest): Promise<void> => {
  const entry = guests.find(request.guest.id);
  const found = entry && (await findMemory(guests, entry, request));
  if (entry && found) await requireUsable(guests, entry, found);
};

/** As `checkRollback`; then powers a running guest off if the request says so. */
export const prepareRollback = async (
  guests: Guests,
  request: CheckpointRequest,
  options: PowerOptions,
): Promise<void> => {
  await checkRollback(guests, request);
  if (!request.poweroff || !guests.find(request.guest.id)?.watch) return;
  await poweroff(guests, request.guest.id);
  options.note?.('the guest was powered off');
};

/** Puts a file beside another one: as a second name of it where both are on one file system, otherwise as a copy. */
const place = async (from: string, to: string): Promise<void> => {
  await rm(to, { force: true });
  await link(from, to).catch(async (error: unknown) => {
    if (!isErrno(error, 'EXDEV', 'EPERM', 'EMLINK')) throw error;
    await copyFile(from, to, constants.COPYFILE_FICLONE);
  });
};

/** Gives a guest that is off the memory of a snapshot as if it had been saved, so that its next start resumes it. */
const placeMemory = (guests: Guests, entry: Entry, { saved, files }: Found): Promise<void> =>
  guests.exclusively(entry.id, async () => {
    const { host, states } = guests;
    await restoreTpmState(await diskDirOf(guests, entry), files);
    const draft = draftOf(entry.paths);
    await place(files.memory, draft);
    await moveIntoPlace(draft, entry.paths.memory);
    const generation = await generationOf(entry, host.layout.diskDirs);
    await entry.update({ saved: { ...saved, generation }, crashed: false, reason: SAVED_REASON });
    states.set(entry.id, 'shutoff', 0, shownReason(host, entry));
  });

/**
 * Lets a guest whose disks are rolled back go on at the moment of the snapshot, if that has its memory.
 * @throws when the guest cannot start; its next start resumes it then
 */
export const resumeCheckpoint = async (
  guests: Guests,
  request: CheckpointRequest,
  options: PowerOptions,
): Promise<void> => {
  const entry = guests.find(request.guest.id);
  // An earlier call has let it run.
  if (!entry || entry.watch) return;
  const found = await findMemory(guests, entry, request);
  if (!found) {
    if (entry.record.saved)
      options.note?.('the memory that was saved belongs to the disks of before: the next start discards it');
    return;
  }
  await placeMemory(guests, entry, found);
  await run(guests, entry.id, options);
  options.note?.(
    'the guest continues from the moment of the snapshot; connections that it had are likely to be broken',
  );
};
