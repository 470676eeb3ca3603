import type { Command } from 'commander';
import type { MistifyClient } from '../client/index.js';
import { errorMessage } from '../errors.js';
import { usageFailure } from './failure.js';
import { Output } from './output.js';
import { type AgentOptions, connectionSettings } from './settings.js';

/** The options of every command. */
export interface GlobalOptions extends AgentOptions {
  json?: boolean;
  /** Seconds. */
  timeout?: number;
}

export interface Session {
  client: MistifyClient;
  out: Output;
}

/** Fewer than the client's default, because a person is waiting. */
const RETRIES = 2;

/** Creates a client from the command line, the environment and the config file. */
export const connect = async (options: GlobalOptions, retries = RETRIES): Promise<MistifyClient> => {
  const settings = connectionSettings(options, process.env);
  // Loading the client takes longer than everything else, and --help does not need it.
  const { MistifyClient } = await import('../client/index.js');
  try {
    return new MistifyClient({ ...settings, retries, timeout: options.timeout });
  } catch (error) {
    throw usageFailure(
      errorMessage(error),
      'Check --url, --ca, --cert and --key, also in the environment, the context and the config file.',
    );
  }
};

/**
 * Wraps the action of a command that needs the agent.
 * @param run receives a session, the command's arguments, and its options
 */
export const withSession =
  <Args extends unknown[]>(run: (session: Session, ...args: Args) => Promise<void>) =>
  async (...args: [...Args, Command]): Promise<void> => {
    const options = (args.at(-1) as Command).optsWithGlobals<GlobalOptions>();
    const session = { client: await connect(options), out: new Output(options.json ?? false) };
    await run(session, ...(args.slice(0, -1) as Args));
  };
