import { setTimeout as sleep } from 'node:timers/promises';
import { errorMessage } from '../../../errors.js';
import { counted } from '../../../model/units.js';
import type { GuestAgent } from '../../shared/guest-agent/client.js';
import { connectAgent } from './agent.js';
import type { Entry } from './entry.js';
import type { Watch } from './watch.js';

const AGENT_TIMEOUT_MS = 5000;
/** How long the guest may take to notice new vCPUs. */
const NOTICE_MS = 5000;
const POLL_MS = 250;

/** A part of the guest agent's `GuestLogicalProcessor` (qga/qapi-schema.json). */
interface LogicalCpu {
  'logical-id': number;
  online: boolean;
}

const listCpus = async (agent: GuestAgent): Promise<LogicalCpu[]> => {
  const cpus = await agent.execute('guest-get-vcpus', AGENT_TIMEOUT_MS);
  return Array.isArray(cpus) ? (cpus as LogicalCpu[]) : [];
};

/** Waits until the guest's operating system knows a number of vCPUs; returns those that it knows at the end. */
const noticedCpus = async (agent: GuestAgent, count: number): Promise<LogicalCpu[]> => {
  const deadline = Date.now() + NOTICE_MS;
  for (;;) {
    const cpus = await listCpus(agent);
    if (cpus.length >= count || Date.now() > deadline) return cpus;
    await sleep(POLL_MS);
  }
};

/**
 * Lets the guest use vCPUs that it got while it runs, through its agent: `guest-set-vcpus`. Many systems do that by
 * themselves.
 * @returns a note for the user when it is not certain that the guest uses them
 */
export const useCpus = async (entry: Entry, watch: Watch, count: number): Promise<string | undefined> => {
  const agent = await connectAgent(entry, watch);
  if (!agent)
    return 'no guest agent responds, so put new vCPUs online in the guest, unless it does that by itself';
  try {
    const unused = (await noticedCpus(agent, count)).filter(({ online }) => online === false);
    if (unused.length === 0) return undefined;
    const vcpus = unused.map((cpu) => ({ 'logical-id': cpu['logical-id'], online: true }));
    const used = await agent.execute('guest-set-vcpus', AGENT_TIMEOUT_MS, { vcpus });
    if (used === vcpus.length) return undefined;
    return `its guest agent put ${counted(Number(used), 'vCPU')} of ${vcpus.length} to use: put the others online in the guest`;
  } catch (error) {
    return `its guest agent did not put the new vCPUs to use: ${errorMessage(error)}`;
  } finally {
    agent.close();
  }
};
