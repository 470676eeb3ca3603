import { setTimeout as sleep } from 'node:timers/promises';
import { errorMessage } from '../../../errors.js';
import { counted, MB } from '../../../model/units.js';
import { MEMORY_DEVICE } from '../machine/memory-arguments.js';
import { type LiveChange, type LiveSize, readGrowth } from './live-size.js';
import type { Watch } from './watch.js';

const POLL_MS = 200;
/** How long the guest may take no memory, or give none back, before the rest waits for its next start. */
const STALL_MS = 10_000;

/** Sets how much memory the guest's driver is to have, in MB on top of what the guest was started with. */
export const requestGrowth = (watch: Watch, mb: number): Promise<unknown> =>
  watch.execute('qom-set', {
    path: `/machine/peripheral/${MEMORY_DEVICE}`,
    property: 'requested-size',
    value: mb * MB,
  });

/**
 * Waits until the guest's driver has taken what was requested.
 * @returns what it has at the end, in MB: the request, or less (or more, of memory to give back) when the driver stalls
 */
const waitForGuest = async (watch: Watch, wanted: number, isWanted: () => boolean): Promise<number> => {
  let last = -1;
  let since = performance.now();
  for (;;) {
    const { size = 0 } = (await readGrowth(watch)) ?? {};
    if (size !== last) {
      last = size;
      since = performance.now();
    }
    if (size === wanted || performance.now() - since > STALL_MS || !isWanted()) return size;
    await sleep(POLL_MS);
  }
};

/**
 * Changes what the guest's virtio-mem device offers. When the guest's driver stalls, the request is set to what it has
 * taken, so that the guest's memory does not change later by itself.
 */
const changeMemory = async (
  watch: Watch,
  { base, growth }: LiveSize,
  memory: number,
  isWanted: () => boolean,
): Promise<string | undefined> => {
  const wanted = memory - base;
  await requestGrowth(watch, wanted);
  const reached = await waitForGuest(watch, wanted, isWanted).catch(async (error) => {
    // Without a reply it is not known what the guest has taken.
    await requestGrowth(watch, growth?.size ?? 0);
    throw error;
  });
  if (reached === wanted) return undefined;
  await requestGrowth(watch, reached);
  return `its operating system stopped at ${base + reached} MB of memory: it may lack the driver virtio_mem, or use the memory`;
};

const addCpus = async (watch: Watch, { cpu, freeSlots }: LiveSize, count: number): Promise<void> => {
  for (const { type, props } of freeSlots.slice(0, count - cpu))
    await watch.execute('device_add', { driver: type, id: `cpu${props['core-id'] ?? 0}`, ...props });
};

/**
 * Makes a change of a running guest's size.
 * @param isWanted whether to keep waiting for the guest: a later command ends the wait
 * @returns why some of it could not be made; the guest then has what QEMU reports
 */
export const changeLive = async (
  watch: Watch,
  live: LiveSize,
  { memory, cpu }: LiveChange,
  isWanted: () => boolean,
): Promise<string[]> => {
  const notes: string[] = [];
  const attempt = async (what: string, run: () => Promise<string | undefined>): Promise<void> => {
    try {
      const note = await run();
      if (note !== undefined) notes.push(note);
    } catch (error) {
      notes.push(`QEMU did not change its ${what}: ${errorMessage(error)}`);
    }
  };
  if (cpu !== undefined)
    await attempt(`number of vCPUs to ${counted(cpu, 'vCPU')}`, async () => {
      await addCpus(watch, live, cpu);
      return undefined;
    });
  if (memory !== undefined) await attempt('memory', () => changeMemory(watch, live, memory, isWanted));
  return notes;
};
