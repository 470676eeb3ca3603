import { resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { errorMessage, isErrno } from '../../errors.js';
import { readSecretFile } from '../../files/secret-file.js';
import { createLogger, LOG_LEVELS, type Logger } from '../../log.js';
import { collectWhenIdle } from '../../process/idle-collection.js';
import { describeAddress, type ServiceAddress } from '../../rpc/protocol/service-address.js';
import type { SubAgent } from '../../rpc/server/sub-agent.js';

export const parsePort = (value: string): number => {
  const port = Number(value);
  if (!Number.isInteger(port) || port < 0 || port > 65535)
    throw new InvalidArgumentError('Give a TCP port, 0 to 65535.');
  return port;
};

/** A started sub-agent, and a function that releases its other resources. */
export interface Running {
  subAgent: SubAgent;
  close?: () => Promise<void> | void;
}

export interface SubAgentProgram<Options> {
  name: string;
  description: string;
  defaultPort: number;
  /** Options in addition to the common ones. */
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

/** Also removes the secret from the environment, which programs that the sub-agent runs would inherit. */
const takeSecret = async ({ secretFile }: CommonOptions): Promise<string | undefined> => {
  const inherited = process.env.MISTIFY_SECRET;
  delete process.env.MISTIFY_SECRET;
  return secretFile === undefined ? inherited : readSecretFile(secretFile);
};

const commonOptions = (defaultPort: number): Option[] => [
  new Option('-p, --port <port>', 'TCP port on loopback')
    .env('MISTIFY_PORT')
    .argParser(parsePort)
    .default(defaultPort),
  new Option('--socket <path>', 'unix socket to listen on instead of a port; only this user can connect')
    .env('MISTIFY_SOCKET')
    .argParser((path) => resolve(path))
    .conflicts('port'),
  new Option(
    '--secret-file <path>',
    "file with the secret that every call must carry: the agent's secret_file for this service",
  ),
  new Option('-l, --log-level <level>', 'least severe level to log')
    .env('MISTIFY_LOG_LEVEL')
    .choices(LOG_LEVELS)
    .default('info'),
];

const parseOptions = <Options>(
  program: SubAgentProgram<Options>,
  args: readonly string[],
): Options & CommonOptions => {
  const command = new Command(program.name).description(program.description);
  for (const option of [...commonOptions(program.defaultPort), ...(program.options ?? [])])
    command.addOption(option);
  command.parse(args, { from: 'user' });
  return command.opts<Options & CommonOptions>();
};

const exitOnSignal = (running: readonly Running[]): void => {
  const stop = async (): Promise<void> => {
    await Promise.all(
      running.map(async ({ subAgent, close }) => {
        await subAgent.close();
        await close?.();
      }),
    );
    process.exit(0);
  };
  process.once('SIGTERM', () => void stop());
  process.once('SIGINT', () => void stop());
};

const explain = (error: unknown, address: ServiceAddress): string =>
  isErrno(error, 'EADDRINUSE')
    ? `${describeAddress(address)} is in use: stop the program that listens there, or choose another`
    : errorMessage(error);

/** Serves one sub-agent in this process. */
export type Serve = <Options>(program: SubAgentProgram<Options>, args: readonly string[]) => Promise<void>;

/**
 * Runs sub-agents in this process until SIGTERM or SIGINT. When one of them cannot be started, the process exits with
 * code 1: what the others need to start again is on disk.
 * @param serveAll serves each of them
 */
export const runSubAgents = async (serveAll: (serve: Serve) => Promise<unknown>): Promise<void> => {
  collectWhenIdle();
  const running: Running[] = [];
  const serve: Serve = async (program, args) => {
    const options = parseOptions(program, args);
    const log = createLogger(program.name, options.logLevel);
    const address = addressOf(options);
    try {
      const secret = await takeSecret(options);
      if ('port' in address && secret === undefined)
        log.warn('this sub-agent accepts calls from every local user: give it a --socket or a --secret-file');
      const started = await program.start(options, log);
      if (running.push(started) === 1) exitOnSignal(running);
      await started.subAgent.listen(address, secret);
    } catch (error) {
      // An agent that starts this program reads standard error, and shows clients why it cannot be started.
      process.stderr.write(`${explain(error, address)}\n`);
      log.debug({ err: error }, 'start failed');
      process.exit(1);
    }
  };
  await serveAll(serve);
};

/**
 * Runs a sub-agent's program: reads the command line and serves until SIGTERM or SIGINT. A supervising agent sets
 * MISTIFY_SOCKET, or MISTIFY_PORT and MISTIFY_SECRET, and MISTIFY_STATE_DIR and MISTIFY_RUN_DIR.
 */
export const runSubAgent = <Options>(program: SubAgentProgram<Options>): Promise<void> =>
  runSubAgents((serve) => serve(program, process.argv.slice(2)));
