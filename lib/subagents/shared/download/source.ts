import { constants } from 'node:fs';
import { type FileHandle, open, realpath } from 'node:fs/promises';
import { isAbsolute, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import { withoutSecrets } from './http.js';
import { openHttp, type ResumeOptions } from './resume.js';

export interface SourceOptions extends ResumeOptions {
  /** Directories that files may be read from. Symbolic links are resolved before the check. */
  importDirs: string[];
}

/** An open source. The caller must read its bytes or close them with `return()`. */
export interface Source {
  /** Size in bytes, if known. */
  size: number | undefined;
  bytes: AsyncIterable<Buffer>;
}

const isUnder = (path: string, dir: string): boolean =>
  path.startsWith(dir.endsWith(sep) ? dir : `${dir}${sep}`);

const allowedPath = async (path: string, importDirs: string[]): Promise<string> => {
  const dirs = await Promise.all(importDirs.map((dir) => realpath(dir).catch(() => dir)));
  const real = await realpath(path).catch(() => undefined);
  // One error for both, so as not to reveal which files exist elsewhere.
  if (real === undefined || !dirs.some((dir) => isUnder(real, dir)))
    throw new Refusal('not_found', `no file ${path} in the import directories: ${dirs.join(', ')}`);
  return real;
};

/**
 * Reads a file.
 * @throws when the file changes meanwhile: most likely it is still being copied there
 */
async function* readWhole(file: FileHandle, path: string): AsyncGenerator<Buffer, void, undefined> {
  try {
    const before = await file.stat();
    let read = 0;
    for await (const chunk of file.createReadStream({ autoClose: false }) as AsyncIterable<Buffer>) {
      read += chunk.length;
      yield chunk;
    }
    const after = await file.stat();
    if (before.size !== read || after.size !== read || before.mtimeMs !== after.mtimeMs)
      throw new Refusal('conflict', `${path} changed while it was read: try again when it is complete`);
  } finally {
    await file.close();
  }
}

const openFile = async (path: string, { importDirs }: SourceOptions): Promise<Source> => {
  const real = await allowedPath(path, importDirs);
  // O_NONBLOCK keeps the open of a named pipe from hanging.
  const file = await open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  const stats = await file.stat();
  if (!stats.isFile()) {
    await file.close();
    throw new Refusal('invalid', `${path} is not a regular file`);
  }
  // The other name may be anywhere: whoever may write to the directory can link to a file that they cannot read.
  if (stats.nlink > 1) {
    await file.close();
    throw new Refusal('invalid', `${path} has ${stats.nlink} names (hard links): copy the file instead`);
  }
  return { size: stats.size, bytes: readWhole(file, path) };
};

const parseUrl = (source: string): URL | undefined => (URL.canParse(source) ? new URL(source) : undefined);

/** Formats a source for messages: a URL without credentials and query. */
export const describeSource = (source: string): string => {
  const url = parseUrl(source);
  return url && !isAbsolute(source) ? withoutSecrets(url) : source;
};

/**
 * Returns the URL of an image on an image server.
 * @param server the server's base URL
 */
export const imageServerUrl = (server: string, id: string): string =>
  `${server.replace(/\/+$/, '')}/images/${encodeURIComponent(id)}/download`;

/**
 * Opens an image's `source`: an http or https URL, a file URL, or an absolute path.
 * @throws when the source is none of these, or cannot be opened
 */
export const openSource = async (source: string, options: SourceOptions): Promise<Source> => {
  if (source === '')
    throw new Refusal(
      'invalid',
      'no source given and no image server configured: give an http, https or file URL',
    );
  if (isAbsolute(source)) return openFile(source, options);
  const url = parseUrl(source);
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return openHttp(url, options);
  if (url?.protocol === 'file:' && url.host === '') return openFile(fileURLToPath(url), options);
  throw new Refusal('invalid', `source ${describeSource(source)} is not an http, https or file URL`);
};
