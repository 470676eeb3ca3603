import { guestKey, imageKey } from '../../../async/keyed-locks.js';
import { numbered } from '../../../model/disks.js';
import { type Guest, normalizeGuest } from '../../../model/guest.js';
import type { GuestResponse } from '../../../rpc/protocol/guest-messages.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import { notFound } from '../../shared/errors.js';
import { discardBackup } from '../backups/end.js';
import type { DiskStore } from '../disk-store.js';
import { explainNoSpace } from '../errors.js';
import { withMedia } from '../images/media.js';
import { describeLeftovers } from '../leftovers.js';
import { isRunning } from '../running-guest.js';
import { removeAllMemory } from '../snapshots/memory.js';
import { recoverGuest } from '../snapshots/recover.js';
import { requireNotTorn } from '../snapshots/torn.js';
import type { DiskDefinition, StoredDisk } from '../stored.js';
import { addDisk, checkAddDisk } from './add.js';
import { type DiskDeps, type GuestMethod, imagesOf, requireImages, toDisk } from './common.js';
import { chooseFirmware } from './firmware.js';
import { checkGrowDisk, growDisk } from './grow.js';
import { firstDifference, planDisks } from './plan.js';
import { checkRemoveDisk, removeDisk } from './remove.js';

/**
 * Checks, without changing anything, that a guest's disks can be created.
 * @returns the disks, if the guest has them already
 */
const requireCreatable = async (
  store: DiskStore,
  guest: string,
  wanted: DiskDefinition[],
): Promise<StoredDisk[] | undefined> => {
  const stored = await store.findDisks(guest);
  if (!stored) {
    await requireImages(store, wanted);
    return undefined;
  }
  const index = firstDifference(stored, wanted);
  if (index === undefined) return stored;
  throw new Refusal(
    'conflict',
    `disk ${index}: guest ${guest} already has a different disk ${index}: delete the guest's disks first`,
  );
};

const create = async (store: DiskStore, guest: string, wanted: DiskDefinition[]): Promise<StoredDisk[]> =>
  (await requireCreatable(store, guest, wanted)) ??
  explainNoSpace(`guest ${guest}`, store, () => store.createDisks(guest, wanted));

/** Responds with the guest as `createGuestDisks` would, as far as that is known before. */
const checkGuestDisks = async ({ store, contents }: DiskDeps, guest: Guest): Promise<GuestResponse> => {
  const wanted = planDisks(normalizeGuest(guest));
  const stored = await requireCreatable(store, guest.id, wanted);
  const planned = wanted.map(({ requested, ...disk }) => ({
    ...disk,
    size: requested,
    volume: '',
    source: '',
  }));
  const { guest: chosen, ...rest } = await chooseFirmware(contents, guest, wanted);
  return { guest: { ...chosen, disks: stored?.map(toDisk) ?? planned }, ...rest };
};

const createGuestDisks = async (
  { store, locks, contents, imports }: DiskDeps,
  guest: Guest,
): Promise<GuestResponse> => {
  const wanted = planDisks(normalizeGuest(guest));
  const disks = await locks.run(guestKey(guest.id), async () => {
    await imports.discard(guest.id);
    return locks.runAll(imagesOf(wanted).map(imageKey), () => create(store, guest.id, wanted));
  });
  const { guest: chosen, ...rest } = await chooseFirmware(contents, guest, disks);
  return { guest: { ...chosen, disks: disks.map(toDisk) }, ...rest };
};

const deleteGuestDisks = async (
  { store, journal, runDir, log, backups }: DiskDeps,
  guest: Guest,
): Promise<GuestResponse> => {
  if ((await store.findDisks(guest.id)) && (await isRunning(runDir, guest.id)))
    throw new Refusal('conflict', `guest ${guest.id} is running: stop it before you delete its disks`);
  await discardBackup(backups, guest.id);
  const message = describeLeftovers(await store.deleteDisks(guest.id));
  await removeAllMemory(store, guest.id);
  // An operation that was interrupted, or has failed midway, must not be completed on another guest of this id.
  if (await journal.find(guest.id)) await journal.clear(guest.id);
  if (message === undefined) return { guest };
  log.warn({ guest: guest.id }, message);
  return { guest, message };
};

const verifyDisks = async ({ store, runDir }: DiskDeps, guest: Guest): Promise<GuestResponse> => {
  const stored = (await store.findDisks(guest.id)) ?? [];
  if (stored.length > 0) await requireNotTorn({ store }, guest.id);
  const running = await isRunning(runDir, guest.id);
  for (const { number } of numbered(guest.disks ?? []))
    if (!stored.some(({ index }) => index === number)) throw notFound(`disk ${number} of guest ${guest.id}`);
  for (const disk of stored) await store.checkDisk(disk, running);
  return { guest };
};

/** The disk methods of `ImageStore`. */
export const diskMethods = (deps: DiskDeps): Record<string, GuestMethod> => {
  const locked =
    (method: (deps: DiskDeps, ...input: Parameters<GuestMethod>) => Promise<GuestResponse>): GuestMethod =>
    (request, call) =>
      deps.locks.run(guestKey(request.guest.id), () => method(deps, request, call));
  /** Recovers an interrupted operation on the guest's snapshots before `method`. */
  const afterRecovery = (method: Parameters<typeof locked>[0]): GuestMethod =>
    locked(async (_deps, request, call) => {
      await recoverGuest(deps.snapshots, request.guest.id);
      return method(deps, request, call);
    });
  return {
    CheckGuestDisks: async ({ guest }) => checkGuestDisks(deps, await withMedia(deps, guest)),
    CreateGuestDisks: async ({ guest }) => createGuestDisks(deps, await withMedia(deps, guest)),
    DeleteGuestsDisks: locked((_deps, { guest }) => deleteGuestDisks(deps, guest)),
    VerifyDisks: locked((_deps, { guest }) => verifyDisks(deps, guest)),
    AddDisk: afterRecovery(addDisk),
    CheckAddDisk: locked(checkAddDisk),
    GrowDisk: afterRecovery(growDisk),
    CheckGrowDisk: locked(checkGrowDisk),
    RemoveDisk: afterRecovery(removeDisk),
    CheckRemoveDisk: locked(checkRemoveDisk),
  };
};
