import { Command, InvalidArgumentError, Option } from 'commander';
import { errorMessage } from '../errors.js';
import { createLogger, LOG_LEVELS, type Logger } from '../log.js';
import type { SubAgent } from '../rpc/sub-agent.js';

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
  /** Options beside `--port` and `--log-level`. */
  options?: Option[];
  start: (options: Options, log: Logger) => Promise<Running> | Running;
}

/**
 * The main function of a sub-agent's program: reads the command line, serves until SIGTERM or SIGINT.
 * A supervising agent sets MISTIFY_PORT, MISTIFY_STATE_DIR and MISTIFY_RUN_DIR.
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
      new Option('-l, --log-level <level>', 'how much to log')
        .env('MISTIFY_LOG_LEVEL')
        .choices(LOG_LEVELS)
        .default('info'),
    );
  for (const option of program.options ?? []) command.addOption(option);
  command.parse();
  const options = command.opts<Options & { port: number; logLevel: string }>();
  const log = createLogger(program.name, options.logLevel);
  try {
    const running = await program.start(options, log);
    await running.subAgent.listen(options.port);
    const stop = async (): Promise<void> => {
      await running.subAgent.close();
      await running.close?.();
      process.exit(0);
    };
    process.once('SIGTERM', () => void stop());
    process.once('SIGINT', () => void stop());
  } catch (error) {
    const taken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
    log.fatal(
      taken
        ? `port ${options.port} is taken: stop what listens there, or choose another port`
        : errorMessage(error),
    );
    log.debug({ err: error }, 'the start failed');
    process.exit(1);
  }
};
