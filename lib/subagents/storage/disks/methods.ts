import { guestKey, imageKey, type Locks } from '../../../async/keyed-locks.js';
import type { Logger } from '../../../log.js';
import { type Disk, type Guest, normalizeGuest } from '../../../model/guest.js';
import type { GuestRequest, GuestResponse } from '../../../rpc/protocol/messages.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import { notFound } from '../../shared/errors.js';
import type { DiskDefinition, DiskStore, StoredDisk } from '../disk-store.js';
import { explainNoSpace } from '../errors.js';
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

const create = async (store: DiskStore, guest: string, wanted: DiskDefinition[]): Promise<StoredDisk[]> => {
  const stored = await store.findDisks(guest);
  if (!stored) return explainNoSpace(`guest ${guest}`, store, () => store.createDisks(guest, wanted));
  const index = firstDifference(stored, wanted);
  if (index === undefined) return stored;
  throw new Refusal(
    'conflict',
    `disk ${index}: guest ${guest} already has a different disk ${index}: delete the guest's disks first`,
  );
};

const createGuestDisks = async ({ store, locks }: DiskDeps, guest: Guest): Promise<GuestResponse> => {
  const wanted = planDisks(normalizeGuest(guest));
  const images = wanted.map(({ image }) => image).filter((image) => image !== '');
  const disks = await locks.run(guestKey(guest.id), () =>
    locks.runAll(images.map(imageKey), () => create(store, guest.id, wanted)),
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
  CreateGuestDisks: ({ guest }) => createGuestDisks(deps, guest),
  DeleteGuestsDisks: ({ guest }) => deps.locks.run(guestKey(guest.id), () => deleteGuestDisks(deps, guest)),
  VerifyDisks: ({ guest }) => deps.locks.run(guestKey(guest.id), () => verifyDisks(deps, guest)),
});
