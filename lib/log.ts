import { createRequire } from 'node:module';
import { type DestinationStream, destination, type Logger, pino } from 'pino';

export type { Logger } from 'pino';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/** What lays lines out is loaded where it is needed: few agents have a terminal. */
const laidOut = (): DestinationStream => {
  const { build } = createRequire(import.meta.url)('pino-pretty') as typeof import('pino-pretty');
  return build({ colorize: true, ignore: 'pid,hostname', translateTime: 'HH:MM:ss.l', sync: true });
};

/** JSON lines on standard output; laid out for reading when that is a person's terminal. */
export const createLogger = (name: string, level: string): Logger =>
  pino(
    { name, level, base: { name } },
    process.stdout.isTTY ? laidOut() : destination({ dest: 1, sync: true }),
  );
