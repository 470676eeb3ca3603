import { Command, InvalidArgumentError, Option } from 'commander';
import { DEFAULT_CONFIG } from '../../lib/config/load.js';
import { LOG_LEVELS } from '../../lib/log.js';
import { type Address, parseAddress } from './address.js';

export interface Options {
  address: Address;
  logLevel: string;
  configFile: string[];
  /** Seconds that actions under way get when the agent is told to stop. */
  drainTimeout: number;
}

export const DEFAULT_ADDRESS = '127.0.0.1:8080';

/** The names that the original's log library has for what pino calls otherwise. */
const LEVEL_ALIASES: Record<string, string> = { warning: 'warn', panic: 'fatal' };

const parseSeconds = (text: string): number => {
  const seconds = Number(text);
  if (!(seconds >= 0 && seconds <= 3600)) throw new InvalidArgumentError('give seconds, 0 to 3600');
  return seconds;
};

/** The agent's command line; `serve` is what it does. */
export const commandLine = (serve: (options: Options) => Promise<void>): Command => {
  const command = new Command('mistify-agent')
    .description('Serves the API and carries out its actions through the sub-agents of a config')
    .addOption(
      new Option('-a, --address <address>', 'address to listen on; without a host, loopback')
        .default(parseAddress(':8080'), ':8080')
        .argParser(parseAddress),
    )
    .addOption(
      new Option('-l, --log-level <level>', 'how much to log')
        .choices([...LOG_LEVELS, ...Object.keys(LEVEL_ALIASES)])
        .default('info'),
    )
    .addOption(
      new Option(
        '-c, --config-file <path>',
        'config file, or a directory of them; may be given several times',
      )
        .argParser((path: string, earlier: string[] | undefined) => [...(earlier ?? []), path])
        .default(undefined, 'the config/agent.json that comes with the agent'),
    );
  command.addOption(
    new Option(
      '--drain-timeout <seconds>',
      'how long actions under way may go on when the agent is told to stop',
    )
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
