import { createRequire } from 'node:module';
import { type DestinationStream, destination, type Logger, pino } from 'pino';

export type { Logger } from 'pino';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/** Formats lines for a terminal. pino-pretty is loaded on demand, because few agents run on a terminal. */
const prettyStream = (): DestinationStream => {
  const { build } = createRequire(import.meta.url)('pino-pretty') as typeof import('pino-pretty');
  return build({ colorize: true, ignore: 'pid,hostname', translateTime: 'HH:MM:ss.l', sync: true });
};

/** Creates a logger that writes JSON lines to standard output, or readable lines when that is a terminal. */
export const createLogger = (name: string, level: string): Logger =>
  pino(
    { name, level, base: { name } },
    process.stdout.isTTY ? prettyStream() : destination({ dest: 1, sync: true }),
  );
