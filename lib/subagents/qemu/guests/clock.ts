import { errorMessage } from '../../../errors.js';
import type { GuestAgent } from '../../shared/guest-agent/client.js';
import { connectAgent } from './agent.js';
import type { Entry } from './entry.js';
import type { Watch } from './watch.js';

const AGENT_TIMEOUT_MS = 5000;
/** Shorter halts are not reported. */
const MIN_HALT_MS = 1000;
/** How far a clock that was set may be off: the call takes a moment. */
const TOLERANCE_MS = 2000;
const NS_PER_MS = 1_000_000;

/** Whether the guest's clock is right: `guest-get-time`, in nanoseconds since 1970. */
const isClockRight = async (agent: GuestAgent): Promise<boolean> => {
  const time = Number(await agent.execute('guest-get-time', AGENT_TIMEOUT_MS));
  return Math.abs(time / NS_PER_MS - Date.now()) < TOLERANCE_MS;
};

/** Sets the guest's clock: `guest-set-time`. */
const setTime = async (agent: GuestAgent): Promise<void> => {
  try {
    await agent.execute('guest-set-time', AGENT_TIMEOUT_MS, { time: Date.now() * NS_PER_MS });
  } catch (error) {
    // The agent also fails when it has set the clock but cannot write that to the guest's hardware clock.
    if (!(await isClockRight(agent).catch(() => false))) throw error;
  }
};

/**
 * Sets the clock of a guest, which stood still while its vCPUs were halted. Needs a guest agent.
 * @param haltedAt when they were halted, in milliseconds since 1970; `undefined` when no sub-agent saw it
 * @returns a note for the user when the clock could not be set
 */
export const correctClock = async (
  entry: Entry,
  watch: Watch,
  haltedAt: number | undefined,
): Promise<string | undefined> => {
  const halted = haltedAt === undefined ? undefined : Date.now() - haltedAt;
  if (halted !== undefined && halted < MIN_HALT_MS) return undefined;
  const lag =
    halted === undefined
      ? 'by as long as it was halted'
      : `by ${Math.round(halted / 1000)} s, as long as it was halted`;
  const agent = await connectAgent(entry, watch);
  if (!agent)
    return `the guest's clock lags ${lag}, until the guest corrects it: no guest agent responds in it`;
  try {
    await setTime(agent);
    return undefined;
  } catch (error) {
    return `the guest's clock lags ${lag}, until the guest corrects it: ${errorMessage(error)}`;
  } finally {
    agent.close();
  }
};
