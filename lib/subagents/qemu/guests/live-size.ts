import type { GuestSize } from '../../../model/guest-size.js';
import { MB } from '../../../model/units.js';
import { MEMORY_DEVICE } from '../machine/memory-arguments.js';
import type { Watch } from './watch.js';

const QUERY_TIMEOUT_MS = 3000;

/** A part of QEMU's `HotpluggableCPU` (qapi/machine.json). */
export interface CpuSlot {
  type: string;
  props: Record<string, number>;
  /** Absent when no vCPU is in the slot. */
  'qom-path'?: string;
}

/** A part of QEMU's `MemoryDeviceInfo` for a virtio-mem device; sizes are in bytes. */
interface MemoryDevice {
  type: string;
  data: {
    id?: string;
    size?: number;
    'requested-size'?: number;
    'max-size'?: number;
    'block-size'?: number;
  };
}

/** A guest's virtio-mem device, in MB. */
export interface Growth {
  /** What the guest has taken. */
  size: number;
  requested: number;
  max: number;
  step: number;
}

/** What a guest that runs has, by its QEMU. */
export interface LiveSize {
  /** The memory that it started with, in MB. */
  base: number;
  /** Absent when its memory cannot grow. */
  growth?: Growth;
  /** The number of its vCPUs. */
  cpu: number;
  /** The places for more vCPUs, in the order in which to fill them. */
  freeSlots: CpuSlot[];
}

/**
 * Reads a number of MB. Distrusts it: a guest that took over its QEMU can report anything.
 * @throws {RangeError} when it is not a number of bytes
 */
const mbOf = (bytes: unknown): number => {
  if (typeof bytes !== 'number' || !Number.isSafeInteger(bytes) || bytes < 0)
    throw new RangeError('its QEMU reports a size of memory that is no number of bytes');
  return Math.floor(bytes / MB);
};

const growthOf = (devices: readonly MemoryDevice[]): Growth | undefined => {
  const data = devices.find(({ type, data: { id } }) => type === 'virtio-mem' && id === MEMORY_DEVICE)?.data;
  if (!data) return undefined;
  return {
    size: mbOf(data.size),
    requested: mbOf(data['requested-size']),
    max: mbOf(data['max-size']),
    step: Math.max(1, mbOf(data['block-size'])),
  };
};

/** Reads how much of its growth a guest has taken: QMP `query-memory-devices`. */
export const readGrowth = async (watch: Watch): Promise<Growth | undefined> =>
  growthOf(
    await watch.execute<MemoryDevice[]>('query-memory-devices', undefined, { timeoutMs: QUERY_TIMEOUT_MS }),
  );

/** QEMU lists the slots from the last one to the first. */
const slotNumber = ({ props }: CpuSlot): number => Number(props['core-id'] ?? 0);

/**
 * Asks a running QEMU what its guest has: QMP `query-memory-size-summary`, `query-memory-devices` and
 * `query-hotpluggable-cpus`.
 * @throws when QEMU does not reply, or not with sizes
 */
export const readLiveSize = async (watch: Watch): Promise<LiveSize> => {
  const options = { timeoutMs: QUERY_TIMEOUT_MS };
  const summary = await watch.execute<Record<string, unknown>>(
    'query-memory-size-summary',
    undefined,
    options,
  );
  const growth = await readGrowth(watch);
  const slots = await watch.execute<CpuSlot[]>('query-hotpluggable-cpus', undefined, options);
  return {
    base: mbOf(summary['base-memory']),
    ...(growth ? { growth } : {}),
    cpu: slots.filter((slot) => slot['qom-path'] !== undefined).length,
    freeSlots: slots
      .filter((slot) => slot['qom-path'] === undefined)
      .sort((one, other) => slotNumber(one) - slotNumber(other)),
  };
};

/**
 * Returns a size with the memory and the vCPUs that QEMU gives a guest. After a reset, the guest takes its memory again
 * as it boots: until then it has less.
 * @param size what its record says
 */
export const withLive = (size: GuestSize, { base, growth, cpu }: LiveSize): GuestSize => ({
  ...size,
  memory: base + (growth?.requested ?? 0),
  cpu,
});

/** What of a change can be made while the guest runs. */
export interface LiveChange {
  /** The memory that the guest gets, in MB. */
  memory?: number;
  /** The number of vCPUs that it gets. */
  cpu?: number;
  /** Why the rest waits for the next start. */
  notes: string[];
}

const memoryNote = ({ base, growth }: LiveSize, { memory }: GuestSize): string | undefined => {
  if (!growth) return 'it was started without room for more memory, which maxMemory gives it';
  if (memory < base) return `while it runs, it cannot get below the ${base} MB that it was started with`;
  if (memory > base + growth.max)
    return `while it runs, it cannot get above the ${base + growth.max} MB that it was started for`;
  if ((memory - base) % growth.step !== 0)
    return `while it runs, its memory changes in steps of ${growth.step} MB from ${base} MB on`;
  return undefined;
};

const cpuNote = (
  { cpu: current, freeSlots }: LiveSize,
  { cpu }: GuestSize,
  layout: number,
): string | undefined => {
  if (cpu < current) return 'vCPUs are added to a guest that runs, but never removed';
  if (layout < 2)
    return 'a guest of layout 1 gets vCPUs at a start only: upgrade its virtual hardware with "mistify guest upgrade-machine"';
  if (cpu > current + freeSlots.length)
    return freeSlots.length === 0
      ? 'it was started without room for more vCPUs, which maxCpu gives it'
      : `while it runs, it cannot have more than the ${current + freeSlots.length} vCPUs that it was started for`;
  return undefined;
};

/**
 * Decides what of a change can be made at once.
 * @param now what the guest has
 * @param next what it is to have
 * @param state the guest's state: a guest whose vCPUs do not run can take nothing
 */
export const liveChange = (
  live: LiveSize,
  now: GuestSize,
  next: GuestSize,
  { layout, state }: { layout: number; state: string },
): LiveChange => {
  const change: LiveChange = { notes: [] };
  const decide = (key: 'memory' | 'cpu', note: string | undefined): void => {
    if (next[key] === now[key]) return;
    const reason =
      state === 'running' ? note : `it is ${state} now, and only a running guest changes at once`;
    if (reason === undefined) change[key] = next[key];
    else if (!change.notes.includes(reason)) change.notes.push(reason);
  };
  decide('memory', memoryNote(live, next));
  decide('cpu', cpuNote(live, next, layout));
  return change;
};
