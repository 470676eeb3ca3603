import type { Command } from 'commander';
import type { MistifyClient } from '../client/index.js';
import { errorMessage } from '../errors.js';
import { usageFailure } from './failure.js';
import { Output } from './output.js';
import { connectionSettings, type Settings } from './settings.js';

/** Those that every command has. */
export interface GlobalOptions extends Settings {
  json?: boolean;
  /** Seconds. */
  timeout?: number;
}

export interface Session {
  client: MistifyClient;
  out: Output;
}

/** A person waits in front of it: better told soon than late. */
const RETRIES = 2;

/** A client for what the command line, the environment and the config file say. */
export const connect = async (options: GlobalOptions, retries = RETRIES): Promise<MistifyClient> => {
  const settings = connectionSettings(options, process.env);
  // Only now: to load it takes longer than all the rest, and help needs no agent.
  const { MistifyClient } = await import('../client/index.js');
  try {
    return new MistifyClient({ ...settings, retries, timeout: options.timeout });
  } catch (error) {
    throw usageFailure(
      errorMessage(error),
      'Look at --url, --ca, --cert and --key, and where else they are set.',
    );
  }
};

/**
 * An action of a command that talks to the agent.
 * @param run is given the command's arguments, then its options
 */
export const talking =
  <Args extends unknown[]>(run: (session: Session, ...args: Args) => Promise<void>) =>
  async (...args: [...Args, Command]): Promise<void> => {
    const options = (args.at(-1) as Command).optsWithGlobals<GlobalOptions>();
    const session = { client: await connect(options), out: new Output(options.json ?? false) };
    await run(session, ...(args.slice(0, -1) as Args));
  };
