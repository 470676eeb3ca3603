/**
 * Injects disk faults by replacing functions of `node:fs`. Import it in the first line of a test, with
 * `import '../../helpers/faulty-disk.js'`: NeDB and others keep references to these functions when they are loaded.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { basename, dirname } from 'node:path';

export type Operation = 'append' | 'write' | 'open' | 'sync' | 'truncate' | 'rename' | 'stat';

export interface Fault {
  code: 'ENOSPC' | 'EIO';
  /** The fraction of the data that is written nevertheless, 0 to 1. */
  written: number;
}

/** Returns the fault of an operation; `undefined` lets it succeed. */
export type Judge = (operation: Operation, file: string) => Fault | undefined;

/** By directory. */
const judges = new Map<string, Judge>();

/** Runs `work`, and meanwhile lets `judge` fail operations on a directory and its files. */
export const withFaults = async <T>(directory: string, judge: Judge, work: () => Promise<T>): Promise<T> => {
  judges.set(directory, judge);
  try {
    return await work();
  } finally {
    judges.delete(directory);
  }
};

/** Runs `work` and resolves to the operations on a directory and its files, in order, such as `sync tokens.json`. */
export const operationsIn = async (directory: string, work: () => Promise<unknown>): Promise<string[]> => {
  const operations: string[] = [];
  const record: Judge = (operation, file) => {
    operations.push(`${operation} ${file}`);
    return undefined;
  };
  await withFaults(directory, record, work);
  return operations;
};

const judged = (operation: Operation, path: unknown): Fault | undefined => {
  const name = String(path);
  const judge = judges.get(name) ?? judges.get(dirname(name));
  return judge?.(operation, basename(name));
};

const failure = ({ code }: Fault, operation: Operation): Error =>
  Object.assign(new Error(`${code}: injected, ${operation}`), { code });

const { open, appendFile, rename, truncate, stat } = fs.promises;
const { open: openFd, write, writev } = fs;

const failWhenJudged = (operation: Operation, path: unknown): void => {
  const fault = judged(operation, path);
  if (fault) throw failure(fault, operation);
};

const faultyWrite = async (
  operation: 'append' | 'write',
  path: unknown,
  data: unknown,
  write: (data: string | Uint8Array) => Promise<void>,
): Promise<void> => {
  const fault = judged(operation, path);
  if (!fault) return write(data as string);
  const bytes = Buffer.from(data as string);
  await write(bytes.subarray(0, Math.floor(fault.written * bytes.length)));
  throw failure(fault, operation);
};

fs.promises.open = async (path, ...rest) => {
  failWhenJudged('open', path);
  const file = await open(path, ...rest);
  const { sync, datasync } = file;
  for (const [name, real] of Object.entries({ sync, datasync })) {
    const failing = async (): Promise<void> => {
      failWhenJudged('sync', path);
      await real.call(file);
    };
    Object.assign(file, { [name]: failing });
  }
  const { appendFile, writeFile } = file;
  file.appendFile = (data, options) =>
    faultyWrite('append', path, data, (bytes) => appendFile.call(file, bytes, options));
  file.writeFile = (data, options) =>
    faultyWrite('write', path, data, (bytes) => writeFile.call(file, bytes, options));
  return file;
};

fs.promises.appendFile = (path, data, options) =>
  faultyWrite('append', path, data, (bytes) => appendFile(path, bytes, options));

fs.promises.rename = async (from, to) => {
  failWhenJudged('rename', from);
  await rename(from, to);
};

fs.promises.truncate = async (path, length) => {
  failWhenJudged('truncate', path);
  await truncate(path, length);
};

fs.promises.stat = (async (path: fs.PathLike, options?: fs.StatOptions) => {
  failWhenJudged('stat', path);
  return stat(path, options);
}) as typeof stat;

/** The paths of the descriptors that streams write to. */
const paths = new Map<number, string>();

type Opened = (error: Error | null, fd: number) => void;

fs.open = ((path: string, flags: string, mode: number, done: Opened) => {
  openFd(path, flags, mode, (error, fd) => {
    if (!error) paths.set(fd, String(path));
    done(error, fd);
  });
}) as typeof openFd;

type Written = (error: Error | null, bytes?: number, buffer?: Buffer) => void;

/** write(2) may write a part without an error; the write of the rest then fails. */
fs.write = ((fd: number, buffer: Buffer, offset: number, length: number, position: number, done: Written) => {
  const fault = judged('write', paths.get(fd));
  const part = fault ? Math.floor(fault.written * length) : length;
  if (fault && part === 0) process.nextTick(done, failure(fault, 'write'));
  else write(fd, buffer, offset, part, position, done);
}) as typeof write;

/** A stream's write of all its waiting chunks. */
fs.writev = ((fd: number, buffers: Buffer[], position: number, done: Written) => {
  const fault = judged('write', paths.get(fd));
  if (fault) process.nextTick(done, failure(fault, 'write'));
  else writev(fd, buffers, position, done as never);
}) as typeof writev;

syncBuiltinESMExports();
