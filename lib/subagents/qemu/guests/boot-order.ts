import { setTimeout as sleep } from 'node:timers/promises';
import { bootingOnce } from '../machine/boot-index.js';
import { bootDevices, requireBootDevices } from '../machine/boot-order.js';
import type { MachineIdentity } from '../machine/identity.js';
import type { Entry } from './entry.js';
import type { Watch } from './watch.js';

const setIndex = (watch: Watch, id: string, bootindex: number): Promise<unknown> =>
  watch.execute('qom-set', { path: `/machine/peripheral/${id}`, property: 'bootindex', value: bootindex });

const getIndex = (watch: Watch, id: string): Promise<number | undefined> =>
  watch
    .execute<number>('qom-get', { path: `/machine/peripheral/${id}`, property: 'bootindex' })
    // A device of the record that this QEMU does not have yet, or no longer.
    .catch(() => undefined);

/**
 * Gives the devices of a running guest the indices of its hardware; firmware reads them at the next reset. QEMU refuses an
 * index that another device has, so those that change are cleared first.
 */
const setBootOrder = async ({ record }: Entry, watch: Watch, machine: MachineIdentity): Promise<void> => {
  const changed: { id: string; bootindex: number }[] = [];
  for (const { id, bootindex } of bootDevices(record.definition, machine)) {
    const present = await getIndex(watch, id);
    if (present !== undefined && present !== bootindex) changed.push({ id, bootindex });
  }
  for (const { id } of changed) await setIndex(watch, id, -1);
  for (const { id, bootindex } of changed) await setIndex(watch, id, bootindex);
};

/** Gives the devices of a running guest their usual boot order. */
export const applyBootOrder = async (entry: Entry, watch: Watch): Promise<void> => {
  const { machine } = entry.record;
  if (machine) await setBootOrder(entry, watch, machine);
};

/**
 * Checks a device that a guest is to boot from once, before anything else changes.
 * @throws {Refusal} `invalid` when the guest does not have it
 */
export const requireBootDevice = (entry: Entry, name: string | undefined): void => {
  const { machine, definition } = entry.record;
  if (name !== undefined && machine) requireBootDevices([name], definition, machine);
};

/** Ends a choice for one boot: firmware reads the usual order at the next reset. */
export const endBootOnce = async (entry: Entry): Promise<void> => {
  if (entry.record.bootOnce === undefined) return;
  if (entry.watch) await applyBootOrder(entry, entry.watch);
  await entry.update({ bootOnce: undefined });
};

/** Prepares a reset of a running guest, after which it boots from a device this once. Call `afterReset` then. */
export const bootOnceAfterReset = async (entry: Entry, watch: Watch, name: string): Promise<void> => {
  const { machine } = entry.record;
  if (!machine) return;
  await entry.update({ bootOnce: name });
  await setBootOrder(entry, watch, bootingOnce(machine, name));
};

/** How long to wait for the resets that follow a command, and how long without one means that there are no more. */
const RESET_WAIT_MS = 30_000;
const QUIET_MS = 2000;
const POLL_MS = 20;

/** SeaBIOS resets the machine once more, because QEMU leaves its memory as it was. */
const leastResets = ({ record: { machine } }: Entry): number => (machine?.firmware === 'uefi' ? 1 : 2);

/**
 * Waits for a reset, which QEMU does after its response, and ends a choice for one boot.
 * @param before the watch's `resetCount` before the command
 */
export const afterReset = async (entry: Entry, watch: Watch, before: number): Promise<void> => {
  if (entry.record.bootOnce === undefined) return;
  const deadline = performance.now() + RESET_WAIT_MS;
  let [seen, since] = [before, performance.now()];
  const isOver = (): boolean => {
    if (watch.resetCount !== seen) [seen, since] = [watch.resetCount, performance.now()];
    return seen >= before + leastResets(entry) && performance.now() - since >= QUIET_MS;
  };
  while (!isOver() && performance.now() < deadline && entry.watch === watch) await sleep(POLL_MS);
  await endBootOnce(entry);
};
