/**
 * A disk that fails when it is told to. It takes the place of Node's file functions, so it must be imported before
 * anything that keeps one of them, which NeDB does when it is loaded: by a first line of
 * `import '../../helpers/faulty-disk.js'`.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { basename, dirname } from 'node:path';

export type Operation = 'append' | 'write' | 'open' | 'sync' | 'truncate' | 'rename' | 'stat';

export interface Fault {
  code: 'ENOSPC' | 'EIO';
  /** How much of what was to be written gets there all the same, 0 to 1. */
  written: number;
}

/** Says whether an operation is to fail. */
export type Judge = (operation: Operation, file: string) => Fault | undefined;

/** By the directory that they judge. */
const judges = new Map<string, Judge>();

/** Has what is done to a directory and to the files in it fail as `by` says, as long as `work` takes. */
export const withFaults = async <T>(directory: string, by: Judge, work: () => Promise<T>): Promise<T> => {
  judges.set(directory, by);
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

/** Where the streams write that are open. */
const paths = new Map<number, string>();

type Opened = (error: Error | null, fd: number) => void;

fs.open = ((path: string, flags: string, mode: number, done: Opened) => {
  openFd(path, flags, mode, (error, fd) => {
    if (!error) paths.set(fd, String(path));
    done(error, fd);
  });
}) as typeof openFd;

type Written = (error: Error | null, bytes?: number, buffer?: Buffer) => void;

/** A part of what was asked for is what write(2) may do without an error; the rest then fails. */
fs.write = ((fd: number, buffer: Buffer, offset: number, length: number, position: number, done: Written) => {
  const fault = judged('write', paths.get(fd));
  const part = fault ? Math.floor(fault.written * length) : length;
  if (fault && part === 0) process.nextTick(done, failure(fault, 'write'));
  else write(fd, buffer, offset, part, position, done);
}) as typeof write;

/** A stream's, of what has waited to be written together. */
fs.writev = ((fd: number, buffers: Buffer[], position: number, done: Written) => {
  const fault = judged('write', paths.get(fd));
  if (fault) process.nextTick(done, failure(fault, 'write'));
  else writev(fd, buffers, position, done as never);
}) as typeof writev;

syncBuiltinESMExports();
