import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { startAgent } from '../lib/agent/agent.js';
import { ConfigError, loadConfig } from '../lib/config/load.js';
import { errorMessage } from '../lib/errors.js';
import { createLogger, LOG_LEVELS } from '../lib/log.js';
import { packageRoot } from '../lib/package-root.js';
import { type Address, formatAddress, parseAddress } from './address.js';
import { createServer, stopServer } from './server.js';

interface Options {
  address: Address;
  logLevel: string;
  configFile: string[];
  /** Seconds that actions under way get when the agent is told to stop. */
  drainTimeout: number;
}

const DEFAULT_ADDRESS = '127.0.0.1:8080';
const DEFAULT_CONFIG = join(packageRoot, 'config', 'agent.json');

/** The names that the original's log library has for what pino calls otherwise. */
const LEVEL_ALIASES: Record<string, string> = { warning: 'warn', panic: 'fatal' };

const parseSeconds = (text: string): number => {
  const seconds = Number(text);
  if (!(seconds >= 0 && seconds <= 3600)) throw new InvalidArgumentError('give seconds, 0 to 3600');
  return seconds;
};

const parseOptions = (argv: readonly string[]): Options => {
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
  const options = command.parse(argv, { from: 'user' }).opts<Options>();
  return {
    ...options,
    logLevel: LEVEL_ALIASES[options.logLevel] ?? options.logLevel,
    configFile: options.configFile ?? [DEFAULT_CONFIG],
  };
};

/** The flags by which the demo finds this agent, when it is not where the demo looks by itself. */
const demoFlags = (address: string, configFile: readonly string[]): string => {
  const flags = [
    ...(address === DEFAULT_ADDRESS ? [] : ['-a', address]),
    ...(configFile.length === 1 && configFile[0] === DEFAULT_CONFIG
      ? []
      : configFile.flatMap((path) => ['-c', path])),
  ];
  return flags.length === 0 ? '' : ` -- ${flags.join(' ')}`;
};

const nextCommand = (address: string, configFile: readonly string[]): string =>
  `Mistify Agent listens on http://${address}
Try: curl http://${address}/guests
Or, in another terminal, a whole guest's life: npm run demo${demoFlags(address, configFile)}
Ctrl-C stops the agent; guests keep running.
`;

const serve = async ({ address, logLevel, configFile, drainTimeout }: Options): Promise<void> => {
  const log = createLogger('agent', logLevel);
  const config = await loadConfig(configFile);
  for (const warning of config.warnings) log.warn(warning);
  const agent = await startAgent(config, log);
  const server = createServer(agent.context, address);
  const stop = async (): Promise<void> => {
    log.info('stopping: no new actions; those that run get some time; guests keep running');
    await agent.drain(drainTimeout * 1000);
    await stopServer(server);
    await agent.stop();
    log.info('stopped');
    process.exit(0);
  };
  try {
    await server.start();
  } catch (error) {
    await agent.stop();
    throw error;
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop());
  const listening = formatAddress({ host: address.host, port: Number(server.info.port) });
  log.info({ address: listening, dbpath: config.dbpath }, 'the agent listens');
  process.stderr.write(nextCommand(listening, configFile));
};

/** Runs the agent until it is told to stop. What keeps it from starting is told in words, with exit code 1. */
export const main = async (argv: readonly string[]): Promise<void> => {
  try {
    await serve(parseOptions(argv));
  } catch (error) {
    const hint = (error as NodeJS.ErrnoException).code === 'EADDRINUSE' ? ': choose another with -a' : '';
    const text =
      error instanceof ConfigError ? error.message : `the agent cannot start: ${errorMessage(error)}${hint}`;
    process.stderr.write(`${text}\n`);
    process.exit(1);
  }
};
