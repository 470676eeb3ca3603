import { imageKey } from '../../../async/keyed-locks.js';
import { diskAdditionSchema, type NewDisk } from '../../../model/disk-changes.js';
import { numbered } from '../../../model/disks.js';
import { type Disk, type Guest, MAX_DISKS, normalizeGuest } from '../../../model/guest.js';
import type { GuestRequest, GuestResponse } from '../../../rpc/protocol/guest-messages.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import type { CallContext } from '../../../rpc/server/call-context.js';
import { readChange } from '../../shared/read-change.js';
import { explainNoSpace } from '../errors.js';
import { requireNotTorn } from '../snapshots/torn.js';
import type { DiskDefinition, StoredDisk } from '../stored.js';
import { type DiskDeps, imagesOf, requireImages, toDisk } from './common.js';
import { planDisks } from './plan.js';

/** An addition that was checked. */
interface Plan {
  number: number;
  definition: DiskDefinition;
  /** The kept disk that comes back. */
  kept?: StoredDisk;
}

/**
 * Chooses the number of a new disk: the first one after all others, so that it is not the number, and with it the serial,
 * of a disk that was there before; once all of them were used, the lowest free one.
 * @throws when there is none
 */
const freeNumber = (guest: string, taken: readonly number[]): number => {
  const next = Math.max(-1, ...taken) + 1;
  if (next < MAX_DISKS) return next;
  const free = Array.from({ length: MAX_DISKS }, (_, number) => number).find((n) => !taken.includes(n));
  if (free !== undefined) return free;
  throw new Refusal(
    'conflict',
    `guest ${guest} has ${MAX_DISKS} disks, with those whose data was kept: remove one of them with its data first`,
  );
};

const findKept = (guest: string, kept: readonly StoredDisk[], volume: string): StoredDisk => {
  const found = kept.find((disk) => disk.volume === volume);
  if (found) return found;
  const known = kept.map((disk) => disk.volume).join(', ');
  throw new Refusal(
    'invalid',
    `volume ${volume} is not data of guest ${guest} that was kept when its disk was removed: ${known === '' ? 'there is none, so leave "volume" out' : `use one of ${known}`}`,
  );
};

/** Fills in the defaults of a new disk, as those of a create. */
const define = (disk: NewDisk): DiskDefinition => {
  const guest = normalizeGuest({ id: '', disks: [disk as Disk] });
  const [definition] = planDisks(guest);
  if (!definition) throw new Refusal('invalid', 'give the disk a size in MB or an image');
  // Its name depends on the guest's other disks, which this sub-agent does not attach.
  return { ...definition, device: '' };
};

/** @throws {Refusal} when the disk cannot be added */
const plan = async ({ store }: DiskDeps, request: GuestRequest): Promise<Plan> => {
  const { guest } = request;
  const { disk } = readChange(request, diskAdditionSchema);
  await requireNotTorn({ store }, guest.id);
  const [stored = [], kept] = [await store.findDisks(guest.id), await store.keptDisks(guest.id)];
  if (disk.volume) {
    if (disk.size || disk.image)
      throw new Refusal('invalid', 'give the disk a volume, or a size and an image, but not both');
    const found = findKept(guest.id, kept, disk.volume);
    return { number: found.index, definition: { ...found, bus: disk.bus || found.bus }, kept: found };
  }
  const definition = define(disk);
  await requireImages(store, [definition]);
  const own = numbered(guest.disks ?? []).map(({ number }) => number);
  const number = freeNumber(guest.id, [...own, ...[...stored, ...kept].map(({ index }) => index)]);
  return { number, definition };
};

/** Returns the guest with another disk at the end of its list. */
const withDisk = (guest: Guest, number: number, disk: Disk): GuestResponse => {
  const others = numbered(guest.disks ?? []).filter((other) => other.number !== number);
  return { guest: { id: guest.id, disks: [...others, { ...disk, number }] } };
};

/** Responds with the guest as `addDisk` would, as far as that is known before. */
export const checkAddDisk = async (deps: DiskDeps, request: GuestRequest): Promise<GuestResponse> => {
  const { number, definition, kept } = await plan(deps, request);
  const { requested, ...disk } = definition;
  const size = kept?.size ?? requested;
  return withDisk(
    request.guest,
    number,
    toDisk({ ...disk, index: number, requested, size, volume: '', source: '' }),
  );
};

/** `ImageStore.AddDisk`: creates another disk of a guest. A repeated call of a job finds the disk. */
export const addDisk = async (
  deps: DiskDeps,
  request: GuestRequest,
  { job }: Pick<CallContext, 'job'>,
): Promise<GuestResponse> => {
  const { store, locks } = deps;
  const { guest } = request;
  const addedBy = job?.job;
  const find = async (): Promise<StoredDisk[]> => (await store.findDisks(guest.id)) ?? [];
  const done = (await find()).find((disk) => addedBy !== undefined && disk.addedBy === addedBy);
  if (done) return withDisk(guest, done.index, toDisk(done));
  const { number, definition, kept } = await plan(deps, request);
  const addition = { addedBy, addedAt: Math.floor(Date.now() / 1000) };
  if (kept) await store.restoreDisk(guest.id, number, definition.bus, addition);
  else
    await explainNoSpace(`disk ${number} of guest ${guest.id}`, store, async () => {
      if (!(await store.findDisks(guest.id))) await store.createDisks(guest.id, []);
      await locks.runAll(imagesOf([definition]).map(imageKey), () =>
        store.addDisk(guest.id, number, definition, addition),
      );
    });
  const added = (await find()).find(({ index }) => index === number);
  if (!added) throw new Error(`disk ${number} of guest ${guest.id} vanished while it was being added`);
  return withDisk(guest, number, toDisk(added));
};
