import { certainNames, diskSerial, numbered } from '../../../model/disks.js';
import type { Disk, Guest } from '../../../model/guest.js';
import type { GuestResponse } from '../../../rpc/protocol/guest-messages.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import { BUSES, locateDisks } from '../machine/disks.js';
import type { MachineIdentity } from '../machine/identity.js';
import { diskId, fixPlaces, freePort, freeRow, isAhci, withPort } from '../machine/places.js';
import { hasDevice } from './devices.js';
import { plugDisk } from './disk-device.js';
import type { Entry } from './entry.js';
import type { Guests } from './guests.js';
import { requireMachine } from './machines.js';
import { assertNotMigrating } from './power.js';
import type { GuestRecord } from './records.js';
import { toldDisks } from './removed-disks.js';

type NumberedDisk = Disk & { number: number };

/** The disks of a guest and its hardware with a new disk. */
interface Plan {
  disks: NumberedDisk[];
  machine: MachineIdentity;
  added: NumberedDisk[];
}

const SHUT_DOWN = 'shut it down first, and add the disk then';

/** Returns why a disk cannot be plugged into a running guest; `undefined` when it can. */
const plugProblem = (machine: MachineIdentity, bus: string): string | undefined => {
  if (machine.layout < 2)
    return `its hardware has layout ${machine.layout}, into which no disk can be plugged: ${SHUT_DOWN}, or upgrade it with "mistify guest upgrade-machine"`;
  if (isAhci(bus)) return `no ${bus} disk can be plugged in: ${SHUT_DOWN}, or use the bus virtio or scsi`;
  if (bus === 'virtio' && freePort(machine) === undefined)
    return `all of its root ports are taken: use the bus scsi, or ${SHUT_DOWN}`;
  return undefined;
};

/** Gives a new device its place: virtio disks get a root port, so that they can be removed while the guest runs. */
const placed = (machine: MachineIdentity, bus: string, id: string): MachineIdentity => {
  const port = bus === 'virtio' ? freePort(machine) : undefined;
  if (port !== undefined) return withPort(machine, id, port);
  const rows = machine.rows ?? {};
  return { ...machine, rows: { ...rows, [id]: freeRow(rows, bus) } };
};

/** Whether a guest finds its disks on root ports in the order of the list, with the last one at the end. */
const isLastPort = (machine: MachineIdentity, disks: readonly NumberedDisk[]): boolean => {
  const ports = disks.map(({ bus, number }) => machine.ports[diskId(bus, number)] ?? -1);
  const last = ports.at(-1) ?? -1;
  return ports.slice(0, -1).every((port) => port < last);
};

/** Fills in the names of disks after one was added: a name that was certain before may no longer be. */
const named = (machine: MachineIdentity, disks: readonly NumberedDisk[]): NumberedDisk[] => {
  const names = certainNames(disks);
  return disks.map((disk, index) => {
    const name = names[index];
    if (index < disks.length - 1) return { ...disk, device: disk.device === name ? disk.device : '' };
    return { ...disk, device: name !== undefined && isLastPort(machine, disks) ? name : '' };
  });
};

/**
 * Plans the disks that a guest has in the request and not yet in its record.
 * @throws {Refusal} when one of them cannot be added
 */
const plan = (guests: Guests, entry: Entry, guest: Guest): Plan => {
  const { id, record, watch } = entry;
  const { definition } = record;
  const machine = requireMachine(entry);
  const known = numbered(definition.disks);
  const wanted = numbered(guest.disks ?? []).filter((disk) =>
    known.every(({ number }) => number !== disk.number),
  );
  if (watch) assertNotMigrating(entry, guests.lastState(entry).state);
  let result: Plan = { disks: known, machine: fixPlaces(machine, definition.disks), added: [] };
  for (const disk of wanted) {
    const bus = disk.bus || 'virtio';
    if (!BUSES.includes(bus))
      throw new Refusal(
        'invalid',
        `disk ${disk.number}: unknown bus "${bus}": use one of ${BUSES.join(', ')}`,
      );
    const problem = watch && plugProblem(result.machine, bus);
    if (problem !== undefined)
      throw new Refusal('conflict', `guest ${id} is ${guests.lastState(entry).state}: ${problem}`);
    const own = { ...disk, bus, serial: diskSerial(id, disk.number) };
    const placedMachine = placed(result.machine, bus, diskId(bus, disk.number));
    const disks = named(placedMachine, [...result.disks, own]);
    result = { disks, machine: placedMachine, added: [...result.added, ...disks.slice(-1)] };
  }
  return result;
};

/** Responds with the guest as `addDisk` would, as far as that is known before its disk exists. */
export const checkAddDisk = async (guests: Guests, guest: Guest): Promise<GuestResponse> => {
  const entry = guests.get(guest.id);
  await guests.machines.adopt(entry);
  const { disks } = plan(guests, entry, guest);
  return { guest: { id: guest.id, disks } };
};

/** Takes disks out of a record again, with their places. */
const restored = (before: GuestRecord): Partial<GuestRecord> => ({
  definition: before.definition,
  ...(before.machine ? { machine: before.machine } : {}),
  lastAddition: before.lastAddition,
});

/** Plugs in the disks of a running guest that its QEMU lacks, as after an interrupted call. */
const plugMissing = async (guests: Guests, entry: Entry, machine: MachineIdentity): Promise<number[]> => {
  const { watch, record } = entry;
  const { definition, removing = [] } = record;
  const plugged: number[] = [];
  if (!watch) return plugged;
  for (const disk of numbered(definition.disks)) {
    const { bus, number } = disk;
    if (removing.includes(number) || (await hasDevice(watch, diskId(bus, number)))) continue;
    const [image] = await locateDisks(entry.id, [disk], guests.host.layout.diskDirs);
    if (image) await plugDisk(entry, watch, { guestId: entry.id, bus, number }, image, machine);
    plugged.push(number);
  }
  return plugged;
};

/**
 * Adds the disks that a guest has in the request and not yet in its record, and plugs them in if it runs. A repeated call
 * completes an interrupted one.
 * @param job the job of the call
 * @throws when a disk cannot be added; the guest is then as before
 */
export const addDisk = (
  guests: Guests,
  guest: Guest,
  job: string | undefined,
): Promise<{ entry: Entry; message: string }> =>
  guests.exclusively(guest.id, async () => {
    const entry = guests.get(guest.id);
    await guests.machines.adopt(entry);
    const watch = await guests.running(entry);
    const before = entry.record;
    const { disks, machine, added } = plan(guests, entry, guest);
    await locateDisks(guest.id, added, guests.host.layout.diskDirs);
    const [last] = added.slice(-1);
    if (last)
      await entry.update({
        definition: { ...before.definition, disks },
        machine,
        ...(job === undefined ? {} : { lastAddition: { job, number: last.number } }),
      });
    try {
      await plugMissing(guests, entry, machine);
    } catch (error) {
      // The record of an interrupted call has the disk already; the agent then has it removed.
      await entry.update(restored(before));
      throw error;
    }
    const name = toldDisks(entry, guest).at(-1);
    const number = last?.number ?? name?.number ?? 0;
    return {
      entry,
      message: watch ? `disk ${number} is plugged in` : `the guest has disk ${number} at its next start`,
    };
  });
