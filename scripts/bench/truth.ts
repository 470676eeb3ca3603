import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { QmpClient } from '../../lib/qmp/client.js';
import { isThere } from './proc.js';
import type { RealAgent } from './real-agent.js';

const POLL_MS = 50;
const CLOSE_POLL_MS = 2;

/** A guest, and the last known process id of its QEMU. */
export interface Member {
  id: string;
  pid: number;
}

/** Queries QEMU's second monitor, which the qemu sub-agent does not use. */
const askQemu = async (agent: RealAgent, id: string): Promise<string> => {
  const qmp = await QmpClient.connect(join(agent.runDir(id), 'qmp-storage.sock'));
  try {
    return (await qmp.execute<{ status: string }>('query-status')).status;
  } finally {
    qmp.close();
  }
};

/** Determines a guest's true state: `off` without a process. */
const trueState = async (agent: RealAgent, { id, pid }: Member): Promise<string> =>
  isThere(pid) ? askQemu(agent, id) : 'off';

const AGREES: Record<string, readonly string[]> = {
  running: ['running'],
  paused: ['paused'],
  off: ['shutoff', 'crashed'],
};

/** Lists the guests whose reported state contradicts their process, each with both states. */
export const wrongStates = async (agent: RealAgent, members: readonly Member[]): Promise<string[]> => {
  const reported = new Map((await agent.client.guests.list()).items.map(({ id, state }) => [id, state]));
  const compared = members.map(async (member) => {
    const state = reported.get(member.id) ?? 'not listed';
    const truth = await trueState(agent, member);
    return AGREES[truth]?.includes(state) ? [] : [`${member.id} is ${truth} but reported as ${state}`];
  });
  return (await Promise.all(compared)).flat();
};

/**
 * Waits until the agent reports a state for all of these guests.
 * @returns the milliseconds that it took
 * @throws with the guests in another state
 */
export const untilReported = async (
  { client }: RealAgent,
  ids: readonly string[],
  state: string,
  timeoutMs: number,
): Promise<number> => {
  const startedAt = performance.now();
  for (;;) {
    const { items } = await client.guests.list();
    const others = items.filter((guest) => ids.includes(guest.id) && guest.state !== state);
    const passed = performance.now() - startedAt;
    if (others.length === 0) return passed;
    if (passed > timeoutMs)
      throw new Error(`not ${state}: ${others.map((guest) => `${guest.id} is ${guest.state}`).join(', ')}`);
    await delay(POLL_MS);
  }
};

/** Waits for the state of one guest, to the millisecond. */
export const untilOneReported = async (
  { client }: RealAgent,
  id: string,
  state: string,
  timeoutMs: number,
): Promise<number> => {
  const startedAt = performance.now();
  for (;;) {
    const guest = await client.guests.get(id);
    const passed = performance.now() - startedAt;
    if (guest.state === state) return passed;
    if (passed > timeoutMs) throw new Error(`guest ${id} is reported as ${guest.state}, not as ${state}`);
    await delay(CLOSE_POLL_MS);
  }
};

/** @throws with every wrong state */
export const requireTruth = async (agent: RealAgent, members: readonly Member[]): Promise<void> => {
  const wrong = await wrongStates(agent, members);
  if (wrong.length > 0) throw new Error(`states that are not true: ${wrong.join('; ')}`);
};
