import { statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { commandOf } from './by-hand.js';
import type { RealAgent } from './real-agent.js';

const POLL_MS = 1;
const BOOT_MS = 120_000;
const MEMORY_MB = 128;
const JOB_SECONDS = 60;

/** Milliseconds since the request or the start. */
export interface Boot {
  /** Until the guest is reported as running, or its QEMU accepts commands. */
  ready: number;
  /** Until the first byte on its serial console. */
  spoke: number;
}

/** Polls until `ask` has a result. Returns the milliseconds since `startedAt`. */
export const until = async (
  startedAt: number,
  what: string,
  ask: () => Promise<boolean>,
): Promise<number> => {
  for (;;) {
    const answer = await ask();
    const passed = performance.now() - startedAt;
    if (answer) return passed;
    if (passed > BOOT_MS) throw new Error(`${what}: nothing in ${BOOT_MS / 1000} s`);
    await delay(POLL_MS);
  }
};

/** Waits for the first byte of a file. Returns the milliseconds since `startedAt`. */
export const untilWritten = (path: string, startedAt: number): Promise<number> =>
  until(startedAt, path, async () => (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0);

/** Boots a guest through the API and deletes it. Returns the times and its QEMU's command line. */
export const bootByAgent = async (agent: RealAgent): Promise<Boot & { command: string[] }> => {
  const { client, image } = agent;
  const id = crypto.randomUUID();
  const spec = { id, memory: MEMORY_MB, cpu: 1, disks: [{ image }] };
  const startedAt = performance.now();
  const created = client.guests.create(spec, { wait: JOB_SECONDS }).then(() => performance.now() - startedAt);
  try {
    const [spoke, ready] = await Promise.all([untilWritten(agent.serialLog(id), startedAt), created]);
    const pid = await agent.qemuOf(id);
    if (pid === undefined) throw new Error(`guest ${id} has no QEMU`);
    return { ready, spoke, command: await commandOf(pid) };
  } finally {
    await client.guests.delete(id, { wait: JOB_SECONDS });
  }
};
