import { errorMessage } from '../../../errors.js';
import type { Logger } from '../../../log.js';
import type { Consistency } from '../../../model/snapshot.js';
import { GuestAgent, GuestAgentTimeout } from './client.js';

/** How long to wait for a guest agent, in milliseconds. */
export interface FreezeTimeouts {
  /** A running agent responds at once; a guest without one never does. */
  sync: number;
  /** The agent responds after the guest has flushed its file systems. */
  freeze: number;
  thaw: number;
}

const TIMEOUTS: FreezeTimeouts = { sync: 2000, freeze: 10_000, thaw: 10_000 };
const THAW_ATTEMPTS = 3;
/** How long the connection stays open for an agent that hangs, so that it reads the thaw once it resumes. */
const LINGER_MS = 10 * 60_000;

export interface FreezeOptions {
  /** The socket of the guest agent's port. */
  socket: string;
  log: Logger;
  timeouts?: FreezeTimeouts | undefined;
}

const connect = async ({
  socket,
  log,
  timeouts = TIMEOUTS,
}: FreezeOptions): Promise<GuestAgent | undefined> => {
  try {
    return await GuestAgent.connect(socket, timeouts.sync);
  } catch (error) {
    log.debug(`guest not frozen, no guest agent: ${errorMessage(error)}`);
    return undefined;
  }
};

/**
 * Freezes the guest's file systems: `guest-fsfreeze-freeze`.
 * @returns how many; 0 when the agent refuses or hangs
 */
const freeze = async (agent: GuestAgent, { log, timeouts = TIMEOUTS }: FreezeOptions): Promise<number> => {
  try {
    return Number(await agent.execute('guest-fsfreeze-freeze', timeouts.freeze));
  } catch (error) {
    log.warn(`guest not frozen: ${errorMessage(error)}`);
    return 0;
  }
};

/**
 * Thaws the guest's file systems: `guest-fsfreeze-thaw`. Closes the connection, but leaves an unread thaw behind for an
 * agent that hangs.
 * @returns how many; 0 when the agent refuses or hangs
 */
const thaw = async (agent: GuestAgent, { log, timeouts = TIMEOUTS }: FreezeOptions): Promise<number> => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const thawed = Number(await agent.execute('guest-fsfreeze-thaw', timeouts.thaw));
      agent.close();
      return thawed;
    } catch (error) {
      if (attempt < THAW_ATTEMPTS && !(error instanceof GuestAgentTimeout)) {
        log.warn(`guest not thawed, retrying: ${errorMessage(error)}`);
        continue;
      }
      log.error(`guest may still be frozen after ${attempt} attempts to thaw it: ${errorMessage(error)}`);
      agent.closeAfterResponses(LINGER_MS);
      return 0;
    }
  }
};

/**
 * Runs `work` with the guest's file systems frozen if its agent can freeze them, unfrozen otherwise. Always thaws the
 * guest afterwards.
 * @returns the consistency of a snapshot taken by `work`: `filesystem` only if the agent thawed as many file systems as
 * it had frozen, so that none was thawed too early
 */
export const whileFrozen = async (
  options: FreezeOptions,
  work: () => Promise<void>,
): Promise<Consistency> => {
  const agent = await connect(options);
  if (!agent) {
    await work();
    return 'crash';
  }
  let frozen = 0;
  let thawed = 0;
  try {
    frozen = await freeze(agent, options);
    await work();
  } finally {
    thawed = await thaw(agent, options);
  }
  return frozen > 0 && thawed === frozen ? 'filesystem' : 'crash';
};

/** Thaws a guest that a killed process may have left frozen. Harmless when the guest is not frozen. */
export const thawIfFrozen = async (options: FreezeOptions): Promise<void> => {
  const agent = await connect(options);
  if (agent) await thaw(agent, options);
};
