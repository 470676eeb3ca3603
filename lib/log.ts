import { destination, type Logger, pino } from 'pino';
import pretty from 'pino-pretty';

export type { Logger } from 'pino';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/** JSON lines on standard output; laid out for reading when that is a person's terminal. */
export const createLogger = (name: string, level: string): Logger =>
  pino(
    { name, level, base: { name } },
    process.stdout.isTTY
      ? pretty({ colorize: true, ignore: 'pid,hostname', translateTime: 'HH:MM:ss.l', sync: true })
      : destination({ dest: 1, sync: true }),
  );
