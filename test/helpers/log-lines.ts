import { Writable } from 'node:stream';
import { pino } from 'pino';
import type { Logger } from '../../lib/log.js';

export interface LogLines {
  log: Logger;
  /** The lines logged so far, at any level. */
  lines: Record<string, unknown>[];
}

/** Makes a log that keeps its lines in memory. */
export const keepLines = (): LogLines => {
  const lines: LogLines['lines'] = [];
  const written = new Writable({
    write: (line, _, done) => {
      lines.push(JSON.parse(String(line)));
      done();
    },
  });
  return { log: pino({ level: 'trace' }, written), lines };
};
