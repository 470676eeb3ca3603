import { createWriteStream, existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Download } from '../client/index.js';
import { usageFailure } from './failure.js';
import { receivedLine, startStatusLine } from './progress.js';

/** The name of standard output. */
export const STDOUT = '-';

/** Passes bytes on and counts them. */
export const countBytes = (onCount: (bytes: number) => void): Transform => {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      onCount(bytes);
      done(null, chunk);
    },
  });
};

/**
 * Checks that bytes can be saved in a file.
 * @param what names them, such as `a disk`
 * @throws {Failure} for a terminal, and for a file that exists
 */
export const requireTarget = (file: string, what: string, force: boolean | undefined): void => {
  if (file === STDOUT && process.stdout.isTTY)
    throw usageFailure(`refusing to write ${what} to a terminal`, 'Give a file with -o FILE, or use a pipe.');
  if (file !== STDOUT && !force && existsSync(file))
    throw usageFailure(
      `${file} already exists`,
      'Give another file with -o FILE, or replace it with --force.',
    );
};

/**
 * Saves a download in a file, or on standard output, and shows its progress. A file of the final name is always complete.
 * @returns the number of bytes
 */
export const saveBytes = async (
  { bytes, length }: Download,
  file: string,
  title: string,
): Promise<number> => {
  const line = await startStatusLine(title);
  let received = 0;
  const counted = countBytes((count) => {
    received = count;
    line.show(receivedLine(title, count, length));
  });
  const part = `${file}.part`;
  try {
    if (file === STDOUT) await pipeline(bytes, counted, process.stdout);
    else {
      await pipeline(bytes, counted, createWriteStream(part));
      await rename(part, file);
    }
    return received;
  } catch (error) {
    if (file !== STDOUT) await rm(part, { force: true });
    throw error;
  } finally {
    line.stop();
  }
};
