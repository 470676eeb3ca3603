import { Command, InvalidArgumentError, Option } from 'commander';
import { DEFAULT_CONFIG } from '../../lib/config/load.js';
import { LOG_LEVELS } from '../../lib/log.js';
import { type Address, parseAddress } from './address.js';

export interface Options {
  address: Address;
  logLevel: string;
  configFile: string[];
  /** Seconds that running actions get to finish when the agent stops. */
  drainTimeout: number;
}

export const DEFAULT_ADDRESS = '127.0.0.1:8080';

/** Level names of the original agent's log library, and pino's names for them. */
const LEVEL_ALIASES: Record<string, string> = { warning: 'warn', panic: 'fatal' };

const parseSeconds = (text: string): number => {
  const seconds = Number(text);
  if (!(seconds >= 0 && seconds <= 3600))
    throw new InvalidArgumentError('Give a number of seconds from 0 to 3600.');
  return seconds;
};

/** The agent's command line, which calls `serve` with its options. */
export const agentCommand = (serve: (options: Options) => Promise<void>): Command => {
  const command = new Command('mistify-agent')
    .description('Serves the HTTP API of this host and runs its actions through sub-agents')
    .addOption(
      new Option('-a, --address <address>', 'address to listen on, HOST:PORT; without a host, loopback')
        .default(parseAddress(':8080'), ':8080')
        .argParser(parseAddress),
    )
    .addOption(
      new Option('-l, --log-level <level>', 'least severe level to log')
        .choices([...LOG_LEVELS, ...Object.keys(LEVEL_ALIASES)])
        .default('info'),
    )
    .addOption(
      new Option('-c, --config-file <path>', 'config file, or directory of config files; may be repeated')
        .argParser((path: string, earlier: string[] | undefined) => [...(earlier ?? []), path])
        .default(undefined, 'config/agent.json of the package'),
    );
  command.addOption(
    new Option('--drain-timeout <seconds>', 'time that running actions get to finish when the agent stops')
      .default(30)
      .argParser(parseSeconds),
  );
  return command.action(() => {
    const given = command.opts<Options>();
    return serve({
      ...given,
      logLevel: LEVEL_ALIASES[given.logLevel] ?? given.logLevel,
      configFile: given.configFile ?? [DEFAULT_CONFIG],
    });
  });
};
