import { Duplex, Readable, Writable } from 'node:stream';
import type { GuestPaths } from '../layout.js';
import { followLog } from './follow-log.js';
import type { SerialLines } from './serial-lines.js';

/**
 * A guest's serial console, on or off: what it says is read from its log, so that everyone who looks sees all of it.
 * It ends when the guest is deleted.
 * @param scrollback bytes
 */
export const openSerial = (paths: GuestPaths, lines: SerialLines, scrollback: number): Duplex => {
  const closed = new AbortController();
  lines.enter(paths.id);
  const readable = Readable.from(followLog(paths.serialLog, scrollback, closed.signal));
  const writable = new Writable({
    write: (bytes: Buffer, _encoding, done) =>
      void lines.type(paths, bytes, closed.signal).then(() => done(), done),
  });
  return Duplex.from({ readable, writable }).once('close', () => {
    closed.abort();
    lines.leave(paths.id);
  });
};
