import { constants } from 'node:fs';
import { type FileHandle, open, realpath } from 'node:fs/promises';
import { isAbsolute, sep } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { withoutSecrets } from './http.js';
import { openHttp, type ResumeOptions } from './resume.js';

export interface SourceOptions extends ResumeOptions {
  /** Directories that files may be read from, links resolved. */
  importDirs: string[];
}

/** Bytes that are ready to be read; whoever asked for them is to read them. */
export interface Source {
  /** Bytes in all, where the server says so. */
  size: number | undefined;
  bytes: AsyncIterable<Buffer>;
}

const isUnder = (path: string, dir: string): boolean =>
  path.startsWith(dir.endsWith(sep) ? dir : `${dir}${sep}`);

const allowedPath = async (path: string, importDirs: string[]): Promise<string> => {
  const dirs = await Promise.all(importDirs.map((dir) => realpath(dir).catch(() => dir)));
  const real = await realpath(path).catch(() => undefined);
  // Of files elsewhere not even their existence is told.
  if (real === undefined || !dirs.some((dir) => isUnder(real, dir)))
    throw new Error(
      `there is no file ${path} under a directory that images may come from: ${dirs.join(', ')}`,
    );
  return real;
};

/** @throws when the file changes while it is read: most likely it is still being copied to where it is */
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
      throw new Error(`${path} was written to while it was read: try again when it is complete`);
  } finally {
    await file.close();
  }
}

const openFile = async (path: string, { importDirs }: SourceOptions): Promise<Source> => {
  const real = await allowedPath(path, importDirs);
  // O_NONBLOCK: opening a named pipe must not hang.
  const file = await open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  const stats = await file.stat();
  if (!stats.isFile()) {
    await file.close();
    throw new Error(`${path} is not a regular file`);
  }
  return { size: stats.size, bytes: readWhole(file, path) };
};

const parseUrl = (source: string): URL | undefined => (URL.canParse(source) ? new URL(source) : undefined);

/** A source as it may be shown: without credentials, and without a query, which may be signed. */
export const describeSource = (source: string): string => {
  const url = parseUrl(source);
  return url && !isAbsolute(source) ? withoutSecrets(url) : source;
};

/**
 * The address of an image on an image server.
 * @param server its base URL
 */
export const imageServerUrl = (server: string, id: string): string =>
  `${server.replace(/\/+$/, '')}/images/${encodeURIComponent(id)}/download`;

/**
 * Opens the bytes of an image's `source`: an http or https URL, a file URL, or an absolute path.
 * @throws with what is wrong with it
 */
export const openSized = async (source: string, options: SourceOptions): Promise<Source> => {
  if (source === '')
    throw new Error(
      'give a source: an http, https or file URL; there is no image server to get it from by its id',
    );
  if (isAbsolute(source)) return openFile(source, options);
  const url = parseUrl(source);
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return openHttp(url, options);
  if (url?.protocol === 'file:' && url.host === '') return openFile(fileURLToPath(url), options);
  throw new Error(`source ${describeSource(source)}: not an http, https or file URL`);
};

/** The same as one stream, for those who do not care for the size. */
export const openSource = async (source: string, options: SourceOptions): Promise<Readable> => {
  const stream = Readable.from((await openSized(source, options)).bytes, { objectMode: false });
  // Begins to read, so that destroying it closes the source in any case.
  stream.read(0);
  return stream;
};
