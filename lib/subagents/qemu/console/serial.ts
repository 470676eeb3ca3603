import { Duplex, Readable, Writable } from 'node:stream';
import type { GuestPaths } from '../layout.js';
import { followLog } from './follow-log.js';
import type { SerialLines } from './serial-lines.js';

/**
 * Opens a guest's serial console, whether the guest is on or off. Output comes from the guest's log, so that every
 * viewer sees all of it. The stream ends when the guest is deleted.
 * @param scrollback how many bytes of earlier output to begin with
 */
export const openSerial = (paths: GuestPaths, lines: SerialLines, scrollback: number): Duplex => {
  const closed = new AbortController();
  lines.enter(paths.id);
  const readable = Readable.from(followLog(paths.serialLog, { bytes: scrollback }, closed.signal));
  const writable = new Writable({
    write: (bytes: Buffer, _encoding, done) =>
      void lines.type(paths, bytes, closed.signal).then(() => done(), done),
  });
  return Duplex.from({ readable, writable }).once('close', () => {
    closed.abort();
    lines.leave(paths.id);
  });
};
