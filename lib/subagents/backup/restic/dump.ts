import { pipeline } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { extract } from 'tar-stream';
import { MAX_FILE_BYTES } from '../chunks/layout.js';
import { type ResticRun, startRestic } from './command.js';
import type { ResticSettings } from './settings.js';

/** A file of a snapshot. */
export interface DumpedFile {
  /** Its path in the snapshot, without a leading slash. */
  path: string;
  content: Buffer;
}

/**
 * Reads the files below a folder of a snapshot, in the order of their names, one at a time: the memory that it takes does
 * not grow with the folder.
 * @param more options of `restic dump`
 * @throws when restic fails, also after the last file
 */
export async function* dumpFolder(
  settings: ResticSettings,
  snapshot: string,
  folder: string,
  more: readonly string[],
  options: ResticRun,
): AsyncGenerator<DumpedFile> {
  const args = ['dump', ...more, snapshot, `/${folder}`, '--archive', 'tar'];
  const { stdout, watch, ended, stop } = startRestic(settings, args, options);
  const archive = extract();
  stdout.on('data', () => watch.advance());
  pipeline(stdout, archive, () => {});
  let isDone = false;
  try {
    for await (const entry of archive) {
      const { name, type, size = 0 } = entry.header;
      if (type === 'directory') {
        entry.resume();
        continue;
      }
      if (type !== 'file' || size > MAX_FILE_BYTES)
        throw new Error(`${name} in the backup is not of a kind that backups contain`);
      yield { path: name.replace(/^\//, ''), content: await buffer(entry) };
    }
    isDone = true;
  } catch (error) {
    // When restic fails, the archive breaks off: restic's own error says why.
    stop();
    await ended;
    throw error;
  } finally {
    // The reader may have had enough.
    if (!isDone) stop();
  }
  await ended;
}

/**
 * Runs a `restic dump` of one file, and passes its content on chunk by chunk.
 * @throws when restic fails, also after the last chunk
 */
export const dumpFile = async (
  settings: ResticSettings,
  args: readonly string[],
  options: ResticRun,
  take: (chunk: Buffer) => Promise<void> | void,
): Promise<void> => {
  const { stdout, watch, ended, stop } = startRestic(settings, args, options);
  try {
    for await (const chunk of stdout as AsyncIterable<Buffer>) {
      watch.advance();
      await take(chunk);
    }
  } catch (error) {
    stop();
    await ended;
    throw error;
  }
  await ended;
};
