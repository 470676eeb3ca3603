import type { Guest } from '../../../model/guest.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import { requireBootDevices } from '../machine/boot-order.js';
import { completeDefinition, type Definition } from '../machine/definition.js';
import { locateDisks } from '../machine/disks.js';
import { locateMedium, requireDrives } from '../machine/drives.js';
import type { MachineIdentity } from '../machine/identity.js';
import { withNics } from '../machine/nic-places.js';
import { seedMetadata } from '../machine/seed/metadata.js';
import { requireGrowable } from '../machine/size-limits.js';
import { announceSizes } from '../saved-memory/announce-sizes.js';
import { settleClone } from '../warm/settle.js';
import { requireBootDevice } from './boot-order.js';
import { correctClock } from './clock.js';
import type { Entry } from './entry.js';
import type { Guests } from './guests.js';
import { killAndWait, removeRunResources } from './launch.js';
import { requireParts } from './machine-parts.js';
import { assertNotMigrating, reset, stopQemu, waitForShutdown } from './power.js';
import type { PowerOptions } from './power-options.js';
import type { Watch } from './watch.js';

/** A definition and the hardware that it runs on. */
interface Design {
  definition: Definition;
  machine: MachineIdentity;
}

/**
 * Fills in a guest's defaults, and checks all that does not depend on its disks' files. Changes nothing.
 * @throws when the guest is invalid, or the host lacks what it needs
 */
export const check = async (guests: Guests, guest: Guest): Promise<Design> => {
  const { host } = guests;
  if (!guests.find(guest.id)) await host.claims.requireFree(guest.id);
  const nicModels = guest.nics?.length ? await host.program.nicModels() : [];
  const own = guests.find(guest.id)?.record.machine;
  const definition = completeDefinition(guest, {
    accel: host.program.accel,
    nicModels,
    nics: own?.nics,
    macOwner: (network, mac) => guests.findMac(network, mac, guest.id),
  });
  await host.networks.resolve(definition.nics);
  const machine = await guests.machines.design(guest, own);
  requireGrowable(definition, machine);
  requireDrives(definition, machine);
  requireBootDevices(guest.bootOrder ?? [], definition, machine);
  await requireParts(host, machine);
  return { definition, machine: withNics(machine, definition.nics) };
};

/** @throws as `check`, and when a disk is missing */
const checkAll = async (guests: Guests, guest: Guest): Promise<Design> => {
  const known = guests.find(guest.id);
  if (known) await guests.machines.adopt(known);
  const design = await check(guests, guest);
  const { definition } = design;
  const { diskDirs } = guests.host.layout;
  await locateDisks(guest.id, definition.disks, diskDirs);
  for (const { image } of definition.cdroms ?? []) if (image) await locateMedium(image, definition, diskDirs);
  return design;
};

const defineNow = async (guests: Guests, guest: Guest): Promise<Entry> => {
  const { definition, machine } = await checkAll(guests, guest);
  return guests.define(definition, machine);
};

/** Defines a guest or replaces its definition. Changes nothing when the guest runs. */
export const define = (guests: Guests, guest: Guest): Promise<Entry> =>
  guests.exclusively(guest.id, async () => {
    const known = guests.find(guest.id);
    if (known && (await guests.running(known))) return known;
    return defineNow(guests, guest);
  });

/**
 * Defines and starts a guest. Changes nothing when the guest runs.
 * @throws when the start fails; the earlier definition, if there was one, is then restored
 */
export const create = (guests: Guests, guest: Guest): Promise<Entry> =>
  guests.exclusively(guest.id, async () => {
    const known = guests.find(guest.id);
    if (known && (await guests.running(known))) return known;
    const before = known?.record;
    const entry = await defineNow(guests, guest);
    try {
      await guests.start(entry);
      return entry;
    } catch (error) {
      await stopQemu(entry);
      if (before) await guests.define(before.definition, before.machine);
      else await guests.forget(guest.id);
      throw error;
    }
  });

/** Lets a halted guest run and corrects its clock: QMP `cont`, or `system_wakeup` for one in ACPI S3. */
const resumeRunning = async (
  guests: Guests,
  entry: Entry,
  watch: Watch,
  { note }: PowerOptions,
): Promise<void> => {
  const { state } = guests.lastState(entry);
  if (state === 'running') return;
  assertNotMigrating(entry, state);
  if (state === 'unknown')
    throw entry.stateError(state, 'its QEMU does not reply over QMP: power it off, then start it');
  if (state === 'crashed') throw entry.stateError(state, 'restart it, or power it off');
  if (state === 'suspended') await watch.execute('system_wakeup');
  else {
    const { haltedAt } = watch;
    await watch.execute('cont');
    const problem = await correctClock(entry, watch, haltedAt);
    if (problem !== undefined) note?.(problem);
  }
  await guests.state(entry);
};

/**
 * Starts a guest with a seed of its current metadata, or resumes it with its saved memory. Metadata that create would reject does not keep it from starting:
 * it starts with the earlier seed.
 */
const startWithSeed = async (
  guests: Guests,
  entry: Entry,
  { metadata, note, boot, force }: PowerOptions,
): Promise<void> => {
  requireBootDevice(entry, boot);
  try {
    // A guest that is resumed does not read its seed again.
    if (metadata && !entry.record.saved && (await entry.setSeedMetadata(seedMetadata(metadata))))
      note?.('the guest gets a new cloud-init seed, with its changed metadata');
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    note?.(`the guest keeps its earlier cloud-init seed: ${error.message}`);
  }
  const options = { boot, force, note };
  const resumed = await guests.start(entry, options);
  if (entry.record.resumption) await settleClone(guests, entry, options);
  else if (resumed && entry.watch) {
    await announceSizes(entry, entry.watch);
    const problem = await correctClock(entry, entry.watch, resumed.at);
    if (problem !== undefined) note?.(problem);
  }
};

/**
 * Starts a guest that is off, or resumes one that is paused or suspended. Waits for one that is still shutting down to
 * be off first.
 */
export const run = async (guests: Guests, id: string, options: PowerOptions = {}): Promise<Entry> => {
  const refusal = await waitForShutdown(guests, id, options);
  return guests.exclusively(id, async () => {
    const entry = guests.get(id);
    const watch = await guests.running(entry, options);
    if (!watch) await startWithSeed(guests, entry, options);
    else if (options.boot !== undefined)
      throw entry.stateError(
        guests.lastState(entry).state,
        `to boot it from ${options.boot}, restart it instead`,
      );
    else if (refusal) {
      if (!options.force) throw refusal;
      await reset(guests, entry, watch);
      options.note?.(`reset (force): ${refusal.message}`);
    } else {
      for (const message of entry.untold.splice(0)) options.note?.(message);
      await resumeRunning(guests, entry, watch, options);
    }
    return entry;
  });
};

/** Halts a guest's vCPUs: QMP `stop`. */
export const suspend = (guests: Guests, id: string, { note }: PowerOptions = {}): Promise<Entry> =>
  guests.exclusively(id, async () => {
    const entry = guests.get(id);
    const watch = await guests.running(entry);
    if (!watch)
      throw entry.stateError(guests.lastState(entry).state, 'only a running guest can be suspended');
    assertNotMigrating(entry, guests.lastState(entry).state);
    entry.commandCount += 1;
    await entry.setRebooting(undefined);
    await watch.execute('stop');
    const { state } = await guests.state(entry);
    // QEMU before 9.0 does not stop a guest in ACPI S3.
    if (state === 'suspended') note?.('the guest sleeps (ACPI S3), from which it may wake by itself');
    return entry;
  });

/** Resumes a guest that is paused or suspended. */
export const resume = (guests: Guests, id: string, options: PowerOptions = {}): Promise<Entry> =>
  guests.exclusively(id, async () => {
    const entry = guests.get(id);
    const watch = await guests.running(entry);
    if (!watch) throw entry.stateError(guests.lastState(entry).state, 'start it instead');
    await resumeRunning(guests, entry, watch, options);
    return entry;
  });

/** Powers a guest off and forgets it. A guest that is not defined is no error. */
export const remove = async (guests: Guests, id: string): Promise<void> => {
  const known = guests.find(id);
  if (known) known.commandCount += 1;
  await guests.exclusively(id, async () => {
    const entry = guests.find(id);
    if (entry) await stopQemu(entry);
    const paths = guests.host.layout.paths(id);
    await killAndWait(paths);
    // Another agent's guest has taps of the same names.
    if (entry || (await guests.host.claims.findForeign(id)) === undefined)
      await removeRunResources(guests.host, paths, entry?.record.definition.nics ?? []);
    await guests.forget(id);
  });
};
