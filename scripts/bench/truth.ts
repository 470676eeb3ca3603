import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { QmpClient } from '../../lib/qmp/client.js';
import { isThere } from './proc.js';
import type { RealAgent } from './real-agent.js';

const POLL_MS = 50;
const CLOSE_POLL_MS = 2;

/** A guest, and the process that its QEMU had when it was last known to run. */
export interface Member {
  id: string;
  pid: number;
}

/** What QEMU itself says over the second monitor, which the qemu sub-agent has no part in. */
const askQemu = async (agent: RealAgent, id: string): Promise<string> => {
  const qmp = await QmpClient.connect(join(agent.runDir(id), 'qmp-storage.sock'));
  try {
    return (await qmp.execute<{ status: string }>('query-status')).status;
  } finally {
    qmp.close();
  }
};

/** How a guest really is: `off` without a process. */
const really = async (agent: RealAgent, { id, pid }: Member): Promise<string> =>
  isThere(pid) ? askQemu(agent, id) : 'off';

const AGREES: Record<string, readonly string[]> = {
  running: ['running'],
  paused: ['paused'],
  off: ['shutoff', 'crashed'],
};

/** The guests of which the agent tells something else than what their processes say, each with both. */
export const untruths = async (agent: RealAgent, members: readonly Member[]): Promise<string[]> => {
  const told = new Map((await agent.client.guests.list()).items.map(({ id, state }) => [id, state]));
  const compared = members.map(async (member) => {
    const state = told.get(member.id) ?? 'not listed';
    const truth = await really(agent, member);
    return AGREES[truth]?.includes(state) ? [] : [`${member.id} is ${truth} and told as ${state}`];
  });
  return (await Promise.all(compared)).flat();
};

/**
 * Waits until the agent tells that state of all of these.
 * @returns milliseconds that it took
 * @throws with those that are told otherwise
 */
export const untilTold = async (
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

/** The same of one guest, to the millisecond. */
export const untilOneTold = async (
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
    if (passed > timeoutMs) throw new Error(`guest ${id} is told as ${guest.state}, not as ${state}`);
    await delay(CLOSE_POLL_MS);
  }
};

/** @throws with every state that is not true */
export const requireTruth = async (agent: RealAgent, members: readonly Member[]): Promise<void> => {
  const wrong = await untruths(agent, members);
  if (wrong.length > 0) throw new Error(`states that are not true: ${wrong.join('; ')}`);
};
