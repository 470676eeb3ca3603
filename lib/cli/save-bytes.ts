import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Download } from '../client/index.js';
import { writeSparse } from '../files/sparse-file.js';
import { usageFailure } from './failure.js';
import { receivedLine, startStatusLine } from './progress.js';

/** As of any file that a user makes: less what the umask takes. */
const FILE_MODE = 0o666;

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

/** Opens a download, or its rest behind the bytes that are there. */
export type Open = (after?: { bytes: number; etag: string }) => Promise<Download>;

/** How often a download is continued that breaks off without a byte in between. */
const MAX_RESUMES = 5;
const RESUME_DELAY_MS = 1000;

/** Yields the bytes of a download, which is continued when it breaks off, if that is possible. */
async function* received(
  download: Download,
  resume: Open | undefined,
): AsyncGenerator<Buffer, void, undefined> {
  let current = download;
  for (let [bytes, failures] = [0, 0]; ; ) {
    try {
      for await (const chunk of current.bytes as AsyncIterable<Buffer>) {
        bytes += chunk.length;
        failures = 0;
        yield chunk;
      }
      return;
    } catch (error) {
      const { etag } = current;
      if (!resume || etag === undefined || failures === MAX_RESUMES) throw error;
      failures += 1;
      await delay(RESUME_DELAY_MS * failures);
      current = await resume({ bytes, etag });
      if (current.from === bytes) continue;
      current.bytes.destroy();
      throw new Error('the download broke off, and its content has changed since: start it again', {
        cause: error,
      });
    }
  }
}

/**
 * Saves a download in a file, with holes in place of zeros, or on standard output, and shows its progress. A file of the
 * final name is always complete.
 * @param resume continues the download when it breaks off
 * @returns the number of bytes
 */
export const saveBytes = async (
  download: Download,
  file: string,
  title: string,
  resume?: Open,
): Promise<number> => {
  const { length } = download;
  const line = await startStatusLine(title);
  let bytes = 0;
  const counted = countBytes((count) => {
    bytes = count;
    line.show(receivedLine(title, count, length));
  });
  const part = `${file}.part`;
  try {
    if (file === STDOUT) await pipeline(received(download, resume), counted, process.stdout);
    else {
      const save = (chunks: AsyncIterable<Buffer>): Promise<number> => writeSparse(chunks, part, FILE_MODE);
      await pipeline(received(download, resume), counted, save);
      await rename(part, file);
    }
    return bytes;
  } catch (error) {
    if (file !== STDOUT) await rm(part, { force: true });
    throw error;
  } finally {
    line.stop();
  }
};

/** Saves the content of a disk: see `saveBytes`. */
export const saveDisk = async (open: Open, file: string, title: string): Promise<number> =>
  saveBytes(await open(), file, title, open);
