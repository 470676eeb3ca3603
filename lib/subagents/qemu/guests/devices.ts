import { setTimeout as sleep } from 'node:timers/promises';
import type { Watch } from './watch.js';

const POLL_MS = 100;

/** Lists the ids of the devices that a running guest has: QMP `qom-list`. */
export const listDevices = async (watch: Watch): Promise<ReadonlySet<string>> => {
  const found = await watch.execute<{ name: string }[]>('qom-list', { path: '/machine/peripheral' });
  return new Set(found.map(({ name }) => name));
};

export const hasDevice = async (watch: Watch, id: string): Promise<boolean> =>
  (await listDevices(watch)).has(id);

/** Waits until QEMU has no device with an id any longer, which it has as long as the guest does not release it. */
export const isReleasedWithin = async (
  watch: Watch,
  id: string,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<boolean> => {
  const deadline = performance.now() + timeoutMs;
  while (await hasDevice(watch, id)) {
    if (performance.now() >= deadline) return false;
    await sleep(POLL_MS, undefined, { signal });
  }
  return true;
};
