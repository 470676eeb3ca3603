import { readlinkSync } from 'node:fs';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import pLimit from 'p-limit';
import { isErrno } from '../../errors.js';
import { listPids } from '../../process/list-pids.js';

/** How many processes are inspected at the same time. */
const READERS = 16;
/** O_WRONLY and O_RDWR of open(2). */
const WRITABLE = 0o3;
/**
 * QEMU locks byte 100 + n to use permission n, and byte 200 + n to deny it to others: block/file-posix.c of QEMU 7.2.
 */
const FIRST_UNSHARED_BYTE = 200;
const LAST_UNSHARED_BYTE = 263;

/** Resolves to `undefined` for a file or link that is gone or that this user may not see. */
const readable = async <T>(result: Promise<T>): Promise<T | undefined> => {
  try {
    return await result;
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ESRCH', 'EACCES', 'EPERM', 'ENOTDIR', 'EINVAL')) return undefined;
    throw error;
  }
};

/** Identifies a file or, whatever its name, a block device. */
const identityOf = async (path: string): Promise<string | undefined> => {
  const stats = await readable(stat(path));
  if (!stats) return undefined;
  return stats.isBlockDevice() ? `device ${stats.rdev}` : `${stats.dev}:${stats.ino}`;
};

/**
 * Whether an open file can change, or keeps others from changing it. Reads of proc(5)'s fdinfo, such as
 * `flags:  0100002` and `lock:  1: OFDLCK ADVISORY READ -1 00:2a:5 201 201`.
 */
const isInTheWay = (fdinfo: string): boolean => {
  const flags = Number.parseInt(/^flags:\s*([0-7]+)/m.exec(fdinfo)?.[1] ?? '0', 8);
  if ((flags & WRITABLE) !== 0) return true;
  const locks = [...fdinfo.matchAll(/^lock:.* (\d+) (\d+|EOF)$/gm)];
  return locks.some(
    ([, start, end]) =>
      Number(start) <= LAST_UNSHARED_BYTE && (end === 'EOF' || Number(end) >= FIRST_UNSHARED_BYTE),
  );
};

/** The files to look for. */
interface Wanted {
  identities: ReadonlySet<string>;
  /** Their own names, without a directory. */
  names: ReadonlySet<string>;
}

/**
 * Returns the path of the file that a process has open, without asking its file system, which may not respond.
 * Synchronous, because a host has many open files, and a promise for each would take seconds in all.
 */
const targetOf = (fd: string): string => {
  try {
    return readlinkSync(fd);
  } catch {
    return '';
  }
};

/** Lists the wanted files that a process keeps from being changed or, with `readers`, has open at all. */
const openFilesOf = async (pid: string, wanted: Wanted, readers: boolean): Promise<string[]> => {
  const fds = (await readable(readdir(`/proc/${pid}/fd`))) ?? [];
  const found: string[] = [];
  for (const fd of fds) {
    if (!wanted.names.has(basename(targetOf(`/proc/${pid}/fd/${fd}`)))) continue;
    const identity = await identityOf(`/proc/${pid}/fd/${fd}`);
    if (identity === undefined || !wanted.identities.has(identity)) continue;
    if (readers) {
      found.push(identity);
      continue;
    }
    const info = await readable(readFile(`/proc/${pid}/fdinfo/${fd}`, 'utf8'));
    if (info !== undefined && isInTheWay(info)) found.push(identity);
  }
  return found;
};

const MAX_NAME = 64;

const describeProcess = async (pid: string): Promise<string> => {
  const [program = ''] = ((await readable(readFile(`/proc/${pid}/cmdline`, 'utf8'))) ?? '').split('\0');
  // The program itself chooses this name.
  const name = basename(program)
    .replace(/[^\w.+-]/g, '?')
    .slice(0, MAX_NAME);
  return `${name || 'a program'} (process ${pid})`;
};

/** Lists the files behind loop devices, which no process has open. */
const loopDevices = async (): Promise<{ device: string; path: string }[]> => {
  const names = ((await readable(readdir('/sys/block'))) ?? []).filter((name) => name.startsWith('loop'));
  const found = names.map(async (name) => {
    const path = await readable(readFile(`/sys/block/${name}/loop/backing_file`, 'utf8'));
    return path === undefined ? [] : [{ device: `/dev/${name}`, path: path.trim() }];
  });
  return (await Promise.all(found)).flat();
};

/** A file that was removed and that a program still has open. */
export interface RemovedFile {
  /** Its last path. */
  path: string;
  bytes: number;
  holder: string;
}

/** The suffix that the kernel adds to the name of a removed file, and the block size of stat(2). */
const REMOVED = ' (deleted)';
const BLOCK_BYTES = 512;

const removedFilesOf = async (pid: string, isWanted: (path: string) => boolean): Promise<RemovedFile[]> => {
  const fds = (await readable(readdir(`/proc/${pid}/fd`))) ?? [];
  const found: RemovedFile[] = [];
  for (const fd of fds) {
    const link = `/proc/${pid}/fd/${fd}`;
    const target = targetOf(link);
    if (!target.endsWith(REMOVED)) continue;
    const path = target.slice(0, -REMOVED.length);
    const stats = isWanted(path) ? await readable(stat(link)) : undefined;
    if (stats) found.push({ path, bytes: stats.blocks * BLOCK_BYTES, holder: await describeProcess(pid) });
  }
  return found;
};

/** Finds removed files that still take room, because a program has them open. */
export const findRemovedFiles = async (isWanted: (path: string) => boolean): Promise<RemovedFile[]> => {
  const pids = await listPids();
  return (await pLimit(READERS).map(pids, (pid) => removedFilesOf(pid, isWanted))).flat();
};

const ownName = async (path: string): Promise<string> => basename((await readable(realpath(path))) ?? path);

/**
 * Finds the programs that write to files or block devices, or that keep others from writing to them. Sees the
 * processes that this user may inspect.
 * @param paths of files that may be missing
 * @param readers finds all programs that have the files open
 * @returns for each path its holders in words, such as `qemu-nbd (process 4711)`
 */
export const findHolders = async (
  paths: readonly string[],
  { readers = false } = {},
): Promise<string[][]> => {
  if (paths.length === 0) return [];
  const identities = await Promise.all(paths.map((path) => identityOf(path)));
  const wanted = {
    identities: new Set(identities.filter((identity) => identity !== undefined)),
    names: new Set(await Promise.all(paths.map(ownName))),
  };
  const holders = new Map<string, Set<string>>();
  const add = (identity: string, holder: string): void => {
    holders.set(identity, (holders.get(identity) ?? new Set()).add(holder));
  };
  const pids = await listPids();
  await pLimit(READERS).map(pids, async (pid) => {
    const open = await openFilesOf(pid, wanted, readers);
    if (open.length === 0) return;
    const holder = await describeProcess(pid);
    for (const identity of open) add(identity, holder);
  });
  for (const { device, path } of await loopDevices()) {
    const identity = await identityOf(path);
    if (identity !== undefined && wanted.identities.has(identity)) add(identity, `the loop device ${device}`);
  }
  return identities.map((identity) => [...(holders.get(identity ?? '') ?? [])]);
};
