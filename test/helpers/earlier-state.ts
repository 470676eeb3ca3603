import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import { packageRoot } from '../../lib/files/package-root.js';
import { makeRunDir, recordPid } from '../../lib/subagents/qemu/guests/run-dir.js';
import { createLayout, type GuestPaths } from '../../lib/subagents/qemu/layout.js';
import { connectQmp } from './qmp.js';

/** The guests of the state, each with a disk of 1 MB and the snapshot `before` of it. */
export const EARLIER = {
  running: '11111111-1111-4111-8111-111111111111',
  off: '22222222-2222-4222-8222-222222222222',
};
export const SNAPSHOT = 'before';

/** What an agent of the version 480ae54 left: the text of its files, and the arguments of the QEMU that it started. */
interface EarlierState {
  files: Record<string, string>;
  qemu: string[];
}

const STATE = join(packageRoot, 'test/system/upgrade/state-of-480ae54.json');

const makeDisk = async (dbpath: string, id: string): Promise<string> => {
  const path = join(dbpath, 'storage/guests', id, 'disk-0.qcow2');
  await execa('qemu-img', ['create', '-q', '-f', 'qcow2', path, '1M']);
  await execa('qemu-img', ['snapshot', '-c', SNAPSHOT, path]);
  return path;
};

/** Starts the running guest's QEMU as that version did. It outlives this function, and ends with the test. */
const startQemu = async (
  t: ExecutionContext,
  paths: GuestPaths,
  args: readonly string[],
  disk: string,
): Promise<void> => {
  await makeRunDir(paths);
  const [image, serialLog, log] = [
    await open(disk, 'r+'),
    await open(paths.serialLog, 'a'),
    await open(paths.qemuLog, 'a'),
  ];
  const qemu = spawn('qemu-system-x86_64', args, {
    cwd: paths.runDir,
    detached: true,
    stdio: ['ignore', 'ignore', log.fd, image.fd, serialLog.fd],
  });
  t.teardown(() => qemu.kill('SIGKILL'));
  await once(qemu, 'spawn');
  qemu.unref();
  await Promise.all([image, serialLog, log].map((file) => file.close()));
  const qmp = await connectQmp(paths.qmp);
  await qmp.execute('cont');
  qmp.close();
  await recordPid(paths, qemu.pid ?? 0);
};

/**
 * Lays the state directory of an agent of the version 480ae54, with one guest running and one off. For
 * `startRealAgent`.
 */
export const layEarlierState = async (t: ExecutionContext, dbpath: string): Promise<void> => {
  const { files, qemu } = JSON.parse(await readFile(STATE, 'utf8')) as EarlierState;
  for (const [name, text] of Object.entries(files)) {
    const path = join(dbpath, name);
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeFile(path, text.replaceAll('@DBPATH@', dbpath), { mode: 0o600 });
  }
  await makeDisk(dbpath, EARLIER.off);
  const disk = await makeDisk(dbpath, EARLIER.running);
  const { paths } = createLayout({ dir: join(dbpath, 'qemu'), runDir: join(dbpath, 'run') });
  await startQemu(t, paths(EARLIER.running), qemu, disk);
};
