import { errorMessage } from '../../../errors.js';
import type { Logger } from '../../../log.js';
import type { Consistency } from '../../../model/snapshot.js';
import { GuestAgent } from './client.js';

/** How long a guest is waited for, in milliseconds. */
export interface FreezeTimeouts {
  /** An agent that is there answers at once; a guest without one never does. */
  sync: number;
  /** What programs in the guest have to write is written out before it answers. */
  freeze: number;
  thaw: number;
}

const TIMEOUTS: FreezeTimeouts = { sync: 2000, freeze: 10_000, thaw: 10_000 };
const THAW_ATTEMPTS = 3;
/** An agent that hangs reads the thaw when it goes on. */
const LINGER_MS = 10 * 60_000;

export interface FreezeOptions {
  /** The socket of the guest's agent. */
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
    log.debug(`no guest agent to freeze with: ${errorMessage(error)}`);
    return undefined;
  }
};

/** How many file systems were frozen; none when the agent refuses or hangs. */
const freeze = async (agent: GuestAgent, { log, timeouts = TIMEOUTS }: FreezeOptions): Promise<number> => {
  try {
    return Number(await agent.execute('guest-fsfreeze-freeze', timeouts.freeze));
  } catch (error) {
    log.warn(`the guest was not frozen: ${errorMessage(error)}`);
    return 0;
  }
};

/** How many file systems were thawed. What is never answered stays under way behind us. */
const thaw = async (agent: GuestAgent, { log, timeouts = TIMEOUTS }: FreezeOptions): Promise<number> => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const thawed = Number(await agent.execute('guest-fsfreeze-thaw', timeouts.thaw));
      agent.close();
      return thawed;
    } catch (error) {
      const message = `attempt ${attempt} to thaw the guest: ${errorMessage(error)}`;
      if (attempt < THAW_ATTEMPTS && !message.includes('no answer')) {
        log.warn(message);
        continue;
      }
      log.error(`${message}: it may still be frozen`);
      agent.closeWhenAnswered(LINGER_MS);
      return 0;
    }
  }
};

/**
 * Does `work` while a running guest's file systems are frozen, where its agent can do that; without that otherwise.
 * Whatever comes of it, the guest is thawed.
 * @returns what a snapshot taken by `work` can be relied on for: as many file systems must have been frozen all the
 * while as were thawed after it
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

/** Thaws a guest that somebody may have left frozen. */
export const thawLeftBehind = async (options: FreezeOptions): Promise<void> => {
  const agent = await connect(options);
  if (agent) await thaw(agent, options);
};
