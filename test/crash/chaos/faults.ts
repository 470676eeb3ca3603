import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from '../../helpers/random.js';
import { type Process, signal } from './processes.js';
import type { World } from './world.js';

/** A fault, and its undoing if it lasts. Returns words for the log. */
export type Fault = (world: World, random: Random) => Promise<string>;

const pickProcess = async (
  world: World,
  random: Random,
  kind: Process['kind'],
): Promise<Process | undefined> => {
  const found = await world.processes(kind);
  return found.length > 0 ? random.pick(found) : undefined;
};

const nameOf = ({ kind, pid, guest }: Process): string => `${guest ? `QEMU of ${guest}` : kind} (${pid})`;

const kill =
  (kind: Process['kind']): Fault =>
  async (world, random) => {
    const found = await pickProcess(world, random, kind);
    if (!found) return `no ${kind} to kill`;
    if (kind === 'guest') world.disturbances += 1;
    signal(found.pid, 'SIGKILL');
    if (kind === 'guest') world.disturbances += 1;
    return `killed ${nameOf(found)}`;
  };

const stop =
  (kind: Process['kind'], maxMs: number): Fault =>
  async (world, random) => {
    const found = await pickProcess(world, random, kind);
    if (!found) return `no ${kind} to stop`;
    const ms = 100 + random.below(maxMs);
    signal(found.pid, 'SIGSTOP');
    await delay(ms);
    signal(found.pid, 'SIGCONT');
    return `stopped ${nameOf(found)} for ${ms} ms`;
  };

const restartAgent =
  (name: 'SIGKILL' | 'SIGTERM'): Fault =>
  async (world, random) => {
    const ms = random.below(1000);
    await world.end(name);
    await delay(ms);
    world.start();
    return `${name} of the agent, started again after ${ms} ms`;
  };

const reboot: Fault = async (world, random) => {
  const ms = random.below(1000);
  await world.reboot();
  await delay(ms);
  world.start();
  return `rebooted the host within ${ms} ms`;
};

const fillDisk: Fault = async (world, random) => {
  const ms = 200 + random.below(2500);
  await world.fillDisk();
  await delay(ms);
  await world.freeDisk();
  return `no room on the disk for ${ms} ms`;
};

const MAX_JUMP_MS = 20 * 60_000;

/** Shorter than an hour, for which the agent keeps the keys of requests. */
const setClock: Fault = async (world, random) => {
  const ms = random.below(2 * MAX_JUMP_MS) - MAX_JUMP_MS;
  await world.setClock(ms);
  return `clock set ${Math.round(ms / 1000)} s off`;
};

/** What may fail while clients change guests; each as often as it is listed. */
export const FAULTS: readonly Fault[] = [
  restartAgent('SIGKILL'),
  restartAgent('SIGKILL'),
  restartAgent('SIGTERM'),
  kill('qemu'),
  kill('qemu'),
  kill('storage'),
  kill('storage'),
  kill('guest'),
  kill('guest'),
  kill('tool'),
  stop('agent', 2000),
  stop('qemu', 3000),
  stop('storage', 3000),
  stop('guest', 3000),
  // Longer than the agent waits for a health call.
  stop('qemu', 15_000),
  reboot,
  fillDisk,
  fillDisk,
  setClock,
];

/** What may fail while guests are backed up and restored. A tool is restic, most of the time. */
export const BACKUP_FAULTS: readonly Fault[] = [
  restartAgent('SIGKILL'),
  restartAgent('SIGTERM'),
  kill('backup'),
  kill('backup'),
  kill('backup'),
  kill('storage'),
  kill('storage'),
  kill('qemu'),
  kill('guest'),
  kill('guest'),
  kill('tool'),
  kill('tool'),
  kill('tool'),
  kill('tool'),
  stop('backup', 3000),
  stop('storage', 3000),
  stop('guest', 3000),
  stop('tool', 3000),
  reboot,
  fillDisk,
];

/** The faults of a run, and the longest pause between them. */
export interface FaultPlan {
  faults: readonly Fault[];
  pauseMs: number;
}

/**
 * Has faults happen one after the other, at random moments, until `until`.
 * @param note called with each one that has happened
 */
export const cause = async (
  world: World,
  { faults, pauseMs }: FaultPlan,
  random: Random,
  until: number,
  note: (words: string) => void,
): Promise<void> => {
  for (;;) {
    await delay(random.below(pauseMs));
    if (Date.now() >= until) return;
    note(await random.pick(faults)(world, random));
  }
};
