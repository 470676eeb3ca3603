import { constants } from 'node:fs';
import { type FileHandle, open, realpath } from 'node:fs/promises';
import { isAbsolute, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { STREAM_BUFFER_BYTES } from '../../../http/stream-buffer.js';
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

/** An open file of this host. The caller must close its handle. */
export interface SourceFile {
  /** The path under which it was asked for. */
  path: string;
  handle: FileHandle;
  /** Bytes. */
  size: number;
  /** @throws when it has changed since it was opened: most likely it is still being copied there */
  requireUnchanged: () => Promise<void>;
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

const changed = (path: string): Refusal =>
  new Refusal('conflict', `${path} changed while it was read: try again when it is complete`);

/**
 * Reads a file.
 * @throws when the file changes meanwhile
 */
async function* readWhole({
  path,
  handle,
  size,
  requireUnchanged,
}: SourceFile): AsyncGenerator<Buffer, void, undefined> {
  try {
    let read = 0;
    const options = { autoClose: false, highWaterMark: STREAM_BUFFER_BYTES };
    for await (const chunk of handle.createReadStream(options) as AsyncIterable<Buffer>) {
      read += chunk.length;
      yield chunk;
    }
    if (read !== size) throw changed(path);
    await requireUnchanged();
  } finally {
    await handle.close();
  }
}

const openFile = async (
  path: string,
  { importDirs }: Pick<SourceOptions, 'importDirs'>,
): Promise<SourceFile> => {
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
  const { size, mtimeMs, ctimeMs } = stats;
  const requireUnchanged = async (): Promise<void> => {
    const now = await file.stat();
    if (now.size !== size || now.mtimeMs !== mtimeMs || now.ctimeMs !== ctimeMs) throw changed(path);
  };
  return { path, handle: file, size, requireUnchanged };
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

/** Returns the path of a source on this host, which is a path or a file URL. */
const localPath = (source: string): string | undefined => {
  if (isAbsolute(source)) return source;
  const url = parseUrl(source);
  return url?.protocol === 'file:' && url.host === '' ? fileURLToPath(url) : undefined;
};

/**
 * Opens a source on this host; returns `undefined` for one elsewhere.
 * @throws when it is no file in an import directory
 */
export const openLocal = async (
  source: string,
  options: Pick<SourceOptions, 'importDirs'>,
): Promise<SourceFile | undefined> => {
  const path = localPath(source);
  return path === undefined ? undefined : openFile(path, options);
};

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
  const file = await openLocal(source, options);
  if (file) return { size: file.size, bytes: readWhole(file) };
  const url = parseUrl(source);
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return openHttp(url, options);
  throw new Refusal('invalid', `source ${describeSource(source)} is not an http, https or file URL`);
};
