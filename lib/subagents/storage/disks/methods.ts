import { guestKey, imageKey, type Locks } from '../../../async/keyed-locks.js';
import type { Logger } from '../../../log.js';
import { type Disk, type Guest, normalizeGuest } from '../../../model/guest.js';
import type { GuestRequest, GuestResponse } from '../../../rpc/protocol/guest-messages.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import { noSuchImage, notFound } from '../../shared/errors.js';
import type { DiskDefinition, DiskStore, StoredDisk } from '../disk-store.js';
import { explainNoSpace, requireReadable } from '../errors.js';
import { describeLeftovers } from '../leftovers.js';
import { isRunning } from '../running-guest.js';
import type { Journal } from '../snapshots/journal.js';
import { requireNotTorn } from '../snapshots/torn.js';
import { firstDifference, planDisks } from './plan.js';

export interface DiskDeps {
  store: DiskStore;
  locks: Locks;
  journal: Journal;
  log: Logger;
  /** Directory of the running guests' sockets: `MISTIFY_RUN_DIR`. */
  runDir: string;
}

type GuestMethod = (request: GuestRequest) => Promise<GuestResponse>;

const toDisk = ({ bus, device, size, volume, image, source }: StoredDisk): Disk => ({
  bus,
  device,
  size,
  volume,
  image,
  source,
});

const imagesOf = (wanted: DiskDefinition[]): string[] => [
  ...new Set(wanted.map(({ image }) => image).filter((image) => image !== '')),
];

/** @throws when the store lacks the image of a disk, or cannot read it */
const requireImages = async (store: DiskStore, wanted: DiskDefinition[]): Promise<void> => {
  for (const id of imagesOf(wanted)) {
    const image = await store.findImage(id);
    if (!image) throw noSuchImage(id);
    requireReadable(image);
  }
};

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
const checkGuestDisks = async ({ store }: DiskDeps, guest: Guest): Promise<GuestResponse> => {
  const wanted = planDisks(normalizeGuest(guest));
  const stored = await requireCreatable(store, guest.id, wanted);
  const planned = wanted.map(({ requested, ...disk }) => ({
    ...disk,
    size: requested,
    volume: '',
    source: '',
  }));
  return { guest: { ...guest, disks: stored?.map(toDisk) ?? planned } };
};

const createGuestDisks = async ({ store, locks }: DiskDeps, guest: Guest): Promise<GuestResponse> => {
  const wanted = planDisks(normalizeGuest(guest));
  const disks = await locks.run(guestKey(guest.id), () =>
    locks.runAll(imagesOf(wanted).map(imageKey), () => create(store, guest.id, wanted)),
  );
  return { guest: { ...guest, disks: disks.map(toDisk) } };
};

const deleteGuestDisks = async (
  { store, journal, runDir, log }: DiskDeps,
  guest: Guest,
): Promise<GuestResponse> => {
  if ((await store.findDisks(guest.id)) && (await isRunning(runDir, guest.id)))
    throw new Refusal('conflict', `guest ${guest.id} is running: stop it before you delete its disks`);
  const message = describeLeftovers(await store.deleteDisks(guest.id));
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
  for (let index = 0; index < Math.max(stored.length, guest.disks?.length ?? 0); index += 1) {
    const disk = stored[index];
    if (!disk) throw notFound(`disk ${index} of guest ${guest.id}`);
    await store.checkDisk(disk, running);
  }
  return { guest };
};

/** The disk methods of `ImageStore`. */
export const diskMethods = (deps: DiskDeps): Record<string, GuestMethod> => ({
  CheckGuestDisks: ({ guest }) => checkGuestDisks(deps, guest),
  CreateGuestDisks: ({ guest }) => createGuestDisks(deps, guest),
  DeleteGuestsDisks: ({ guest }) => deps.locks.run(guestKey(guest.id), () => deleteGuestDisks(deps, guest)),
  VerifyDisks: ({ guest }) => deps.locks.run(guestKey(guest.id), () => verifyDisks(deps, guest)),
});
