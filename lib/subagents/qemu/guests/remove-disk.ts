import { type DiskRemoval, diskRemovalSchema } from '../../../model/disk-changes.js';
import { certainNames, numbered } from '../../../model/disks.js';
import type { Disk } from '../../../model/guest.js';
import type { GuestRequest } from '../../../rpc/protocol/guest-messages.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import { readChange } from '../../shared/read-change.js';
import { diskBootIndex } from '../machine/boot-index.js';
import { diskId, fixPlaces, isAhci, withoutPlace } from '../machine/places.js';
import { hasDevice, isReleasedWithin } from './devices.js';
import { closeDisk } from './disk-device.js';
import type { Entry } from './entry.js';
import type { Guests } from './guests.js';
import { assertNotMigrating } from './power.js';
import type { Watch } from './watch.js';

type NumberedDisk = Disk & { number: number };

/** How long a guest may take to release a disk. */
const RELEASE_MS = 10_000;

const findDisk = ({ record }: Entry, { disk: wanted, addedBy }: DiskRemoval): NumberedDisk | undefined => {
  const { lastAddition } = record;
  const added = lastAddition?.job === addedBy ? lastAddition?.number : undefined;
  const number = addedBy === undefined ? wanted : added;
  return numbered(record.definition.disks).find((disk) => disk.number === number);
};

const SHUT_DOWN = 'shut it down first, and remove the disk then';

/** @throws {Refusal} when a disk cannot be removed while the guest runs */
const requireRemovable = (
  guests: Guests,
  entry: Entry,
  { bus, number }: NumberedDisk,
  { force }: DiskRemoval,
): void => {
  const { state } = guests.lastState(entry);
  assertNotMigrating(entry, state);
  const { machine, definition } = entry.record;
  const refuse = (reason: string): Refusal =>
    new Refusal('conflict', `guest ${entry.id} is ${state}: ${reason}`);
  if (isAhci(bus)) throw refuse(`disk ${number} is a ${bus} disk, which cannot be unplugged: ${SHUT_DOWN}`);
  if (bus === 'virtio' && machine?.ports[diskId(bus, number)] === undefined)
    throw refuse(`disk ${number} was not plugged in but built in when the guest was made: ${SHUT_DOWN}`);
  const bootIndex = (disk: NumberedDisk): number => diskBootIndex(machine ?? {}, disk.number);
  const [first] = numbered(definition.disks).sort((one, other) => bootIndex(one) - bootIndex(other));
  if (number === first?.number && !force)
    throw refuse(
      `disk ${number} is the first one, from which it has booted: ${SHUT_DOWN}, or force it (force=true, --force)`,
    );
};

/** Checks a removal for a dry run. A disk that is gone is no error. */
export const checkRemoveDisk = async (guests: Guests, request: GuestRequest): Promise<void> => {
  const entry = guests.get(request.guest.id);
  const removal = readChange(request, diskRemovalSchema);
  const disk = findDisk(entry, removal);
  if (disk && entry.watch && (await hasDevice(entry.watch, diskId(disk.bus, disk.number))))
    requireRemovable(guests, entry, disk, removal);
};

/**
 * Unplugs a disk: QMP `device_del`. What a guest does not release in time, it loses at its next reset or start.
 * @throws {Refusal} `conflict` when the guest still has the disk
 */
const unplug = async (
  guests: Guests,
  entry: Entry,
  watch: Watch,
  disk: NumberedDisk,
  signal: AbortSignal,
): Promise<void> => {
  const { definition, machine, removing = [] } = entry.record;
  const id = diskId(disk.bus, disk.number);
  await entry.update({
    definition: { ...definition, disks: numbered(definition.disks) },
    ...(machine ? { machine: fixPlaces(machine, definition.disks) } : {}),
    removing: [...new Set([...removing, disk.number])],
  });
  await guests.machines.describe(entry);
  await watch.execute('device_del', { id });
  if (await isReleasedWithin(watch, id, RELEASE_MS, signal)) return;
  const { state } = guests.lastState(entry);
  throw new Refusal(
    'conflict',
    `guest ${entry.id} is ${state} and has not released disk ${disk.number} within ${RELEASE_MS / 1000} s: it does so once its operating system runs, at its next reset, or at its next start; the data is still there, so remove the disk again then`,
  );
};

/** Takes a disk out of the record. The others keep their numbers and places, and the names that are still certain. */
const forgetDisk = async (entry: Entry, { bus, number }: NumberedDisk): Promise<void> => {
  const { definition, machine, removing = [] } = entry.record;
  const left = numbered(definition.disks).filter((disk) => disk.number !== number);
  const names = certainNames(left);
  const disks = left.map((disk, index) => ({
    ...disk,
    device: disk.device === names[index] ? disk.device : '',
  }));
  await entry.update({
    definition: { ...definition, disks },
    ...(machine ? { machine: withoutPlace(fixPlaces(machine, definition.disks), diskId(bus, number)) } : {}),
    removing: removing.filter((each) => each !== number),
  });
};

/**
 * Removes a disk from a guest, at once when it is off. May be repeated.
 * @throws {Refusal} `conflict` when a running guest cannot lose the disk, or does not release it now
 */
export const removeDisk = (guests: Guests, request: GuestRequest, signal: AbortSignal): Promise<Entry> =>
  guests.exclusively(request.guest.id, async () => {
    const entry = guests.get(request.guest.id);
    const removal = readChange(request, diskRemovalSchema);
    await guests.machines.adopt(entry);
    const watch = await guests.running(entry);
    const disk = findDisk(entry, removal);
    if (!disk) return entry;
    if (watch) {
      if (await hasDevice(watch, diskId(disk.bus, disk.number))) {
        requireRemovable(guests, entry, disk, removal);
        await unplug(guests, entry, watch, disk, signal);
      }
      await closeDisk(watch, disk.number);
    }
    await forgetDisk(entry, disk);
    await guests.machines.describe(entry);
    return entry;
  });
