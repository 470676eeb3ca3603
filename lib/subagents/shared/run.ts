import { resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { errorMessage } from '../../errors.js';
import { readSecretFile } from '../../files/secret-file.js';
import { createLogger, LOG_LEVELS, type Logger } from '../../log.js';
import { describeAddress, type ServiceAddress } from '../../rpc/protocol/service-address.js';
import type { SubAgent } from '../../rpc/server/sub-agent.js';

export const parsePort = (value: string): number => {
  const port = Number(value);
  if (!Number.isInteger(port) || port < 0 || port > 65535) throw new InvalidArgumentError('not a TCP port');
  return port;
};

/** What a sub-agent's own `start` gives back: what is served, and how to let go of it. */
export interface Running {
  subAgent: SubAgent;
  close?: () => Promise<void> | void;
}

export interface SubAgentProgram<Options> {
  name: string;
  description: string;
  defaultPort: number;
  /** Options beside those that all programs have. */
  options?: Option[];
  start: (options: Options, log: Logger) => Promise<Running> | Running;
}

interface CommonOptions {
  port: number;
  socket?: string;
  secretFile?: string;
  logLevel: string;
}

const addressOf = ({ port, socket }: CommonOptions): ServiceAddress =>
  socket === undefined ? { port } : { socket };

/** Takes the secret out of the environment as well: the programs that the sub-agent runs would have it, too. */
const takeSecret = async ({ secretFile }: CommonOptions): Promise<string | undefined> => {
  const handedOver = process.env.MISTIFY_SECRET;
  delete process.env.MISTIFY_SECRET;
  return secretFile === undefined ? handedOver : readSecretFile(secretFile);
};

/**
 * The main function of a sub-agent's program: reads the command line, serves until SIGTERM or SIGINT.
 * A supervising agent sets MISTIFY_SOCKET, or MISTIFY_PORT and MISTIFY_SECRET, MISTIFY_STATE_DIR and MISTIFY_RUN_DIR.
 */
export const runSubAgent = async <Options>(program: SubAgentProgram<Options>): Promise<void> => {
  const command = new Command(program.name)
    .description(program.description)
    .addOption(
      new Option('-p, --port <port>', 'TCP port on loopback')
        .env('MISTIFY_PORT')
        .argParser(parsePort)
        .default(program.defaultPort),
    )
    .addOption(
      new Option('--socket <path>', 'unix socket in place of a port; it will be for this user alone')
        .env('MISTIFY_SOCKET')
        .argParser((path) => resolve(path))
        .conflicts('port'),
    )
    .addOption(
      new Option(
        '--secret-file <path>',
        "file with a secret that every call must have: the agent's secret_file for this service",
      ),
    )
    .addOption(
      new Option('-l, --log-level <level>', 'how much to log')
        .env('MISTIFY_LOG_LEVEL')
        .choices(LOG_LEVELS)
        .default('info'),
    );
  for (const option of program.options ?? []) command.addOption(option);
  command.parse();
  const options = command.opts<Options & CommonOptions>();
  const log = createLogger(program.name, options.logLevel);
  const address = addressOf(options);
  try {
    const secret = await takeSecret(options);
    if ('port' in address && secret === undefined)
      log.warn('every local user can call this sub-agent: give it a --socket, or a --secret-file');
    const running = await program.start(options, log);
    const stop = async (): Promise<void> => {
      await running.subAgent.close();
      await running.close?.();
      process.exit(0);
    };
    process.once('SIGTERM', () => void stop());
    process.once('SIGINT', () => void stop());
    await running.subAgent.listen(address, secret);
  } catch (error) {
    const taken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
    log.fatal(
      taken
        ? `${describeAddress(address)} is taken: stop what listens there, or choose another`
        : errorMessage(error),
    );
    log.debug({ err: error }, 'the start failed');
    process.exit(1);
  }
};
