import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { QmpClient } from '../../../lib/qmp/client.js';
import { sharedGuestPaths } from '../../../lib/subagents/shared/guest-run-dir.js';
import { UNDO } from '../../../lib/subagents/storage/qcow2/table.js';
import type { SnapshotModel } from './model.js';
import type { World } from './world.js';

export const DISKS = 2;
/** The bytes that are filled. The image begins with a boot sector. */
const OFFSET = 512 * 1024;
const LENGTH = 256 * 1024;

const diskPath = ({ storageDir }: World, guest: string, disk: number): string =>
  join(storageDir, 'guests', guest, `disk-${disk}.qcow2`);

const fillCommand = (byte: number): string => `write -P ${byte} ${OFFSET} ${LENGTH}`;

/** Runs `use` with a QMP client of a running guest, on the socket that the storage sub-agent uses briefly too. */
const withQmp = async <T>(
  { runDir }: World,
  guest: string,
  use: (qmp: QmpClient) => Promise<T>,
): Promise<T> => {
  const qmp = await QmpClient.connect(sharedGuestPaths(runDir, guest).qmpStorage, { timeoutMs: 5000 });
  try {
    return await use(qmp);
  } finally {
    qmp.close();
  }
};

/** Returns QEMU's own run state of a running guest, as the agent names it. */
export const runState = (world: World, guest: string): Promise<string> =>
  withQmp(world, guest, async (qmp) => {
    const { status } = await qmp.execute<{ status: string }>('query-status');
    // A paused guest that was reset.
    return status === 'prelaunch' ? 'paused' : status;
  });

const fillLive = (world: World, guest: string, byte: number): Promise<void> =>
  withQmp(world, guest, async (qmp) => {
    for (let disk = 0; disk < DISKS; disk += 1)
      for (const command of [fillCommand(byte), 'flush']) {
        const device = `/machine/peripheral/virtio-disk${disk}/virtio-backend`;
        const output = await qmp.execute<string>('human-monitor-command', {
          'command-line': `qemu-io -d ${device} "${command}"`,
        });
        if (output !== '') throw new Error(output);
      }
  });

const fillFiles = async (world: World, guest: string, byte: number): Promise<void> => {
  for (let disk = 0; disk < DISKS; disk += 1) {
    const path = diskPath(world, guest, disk);
    await execa('qemu-io', ['-f', 'qcow2', '-c', fillCommand(byte), '-c', 'flush', path]);
  }
};

/** Returns the byte that fills a disk from `OFFSET`; 0 for an empty disk, 256 for a mixture. */
export const byteIn = (content: Buffer): number => {
  const bytes = content.subarray(OFFSET, OFFSET + LENGTH);
  const [first = 0] = bytes;
  return bytes.every((byte) => byte === first) ? first : 256;
};

/** Reads a disk, or one of its snapshots, with qemu-img, apart from the product. */
const readByte = async (world: World, guest: string, disk: number, snapshot?: string): Promise<number> => {
  const raw = `/mnt/read-${guest}-${disk}.raw`;
  const source = snapshot === undefined ? [] : ['-l', `snapshot.name=${snapshot}`];
  try {
    await execa('qemu-img', [
      ...['convert', '-U', ...source, '-f', 'qcow2', '-O', 'raw', diskPath(world, guest, disk), raw],
    ]);
    return byteIn(await readFile(raw));
  } finally {
    await rm(raw, { force: true });
  }
};

/** Whether the storage sub-agent has yet to recover an operation: nothing else may write to the disks before. */
const hasInterrupted = async ({ storageDir }: World, guest: string): Promise<boolean> =>
  (await readdir(join(storageDir, 'journal'))).includes(`${guest}.json`);

/**
 * Fills the disks of a guest that has no unfinished job with one byte.
 * @throws when that was interrupted, or there was no room
 */
export const fill = async (world: World, guest: string, byte: number): Promise<void> => {
  const isUp = (await world.processes('guest')).some((process) => process.guest === guest);
  if (isUp) await fillLive(world, guest, byte);
  else if (await hasInterrupted(world, guest)) throw new Error('an interrupted operation is to be recovered');
  else await fillFiles(world, guest, byte);
  // QEMU's monitor does not return the errors of qemu-io commands.
  for (let disk = 0; disk < DISKS; disk += 1) {
    const found = await readByte(world, guest, disk);
    if (found !== byte) throw new Error(`disk ${disk} has ${found}`);
  }
};

/** Lists a disk's snapshots, without the hidden one that a rollback on a full disk may leave: docs/storage.md. */
const snapshotNames = async (world: World, guest: string, disk: number): Promise<string[]> => {
  const path = diskPath(world, guest, disk);
  const { stdout } = await execa('qemu-img', ['info', '-U', '-f', 'qcow2', '--output=json', path]);
  const { snapshots = [] } = JSON.parse(stdout) as { snapshots?: { name: string }[] };
  return snapshots.map(({ name }) => name).filter((name) => name !== UNDO);
};

export interface DiskContent {
  byte: number;
  snapshots: SnapshotModel[];
}

/** Reads a disk and its snapshots, oldest first. */
export const readDisk = async (world: World, guest: string, disk: number): Promise<DiskContent> => {
  const snapshots = [];
  for (const name of await snapshotNames(world, guest, disk))
    snapshots.push({ name, byte: await readByte(world, guest, disk, name) });
  return { byte: await readByte(world, guest, disk), snapshots };
};

/** The exit code of `qemu-img check` for clusters that are in use without need, which a killed QEMU leaves. */
const LEAKS = 3;

/** @throws when qemu-img finds the disk damaged */
export const checkDisk = async (world: World, guest: string, disk: number): Promise<void> => {
  const path = diskPath(world, guest, disk);
  const { exitCode, stdout, stderr } = await execa('qemu-img', ['check', '-U', '-f', 'qcow2', path], {
    reject: false,
  });
  if (exitCode !== 0 && exitCode !== LEAKS)
    throw new Error(`${path} is damaged (qemu-img check: ${exitCode}): ${stdout} ${stderr}`);
};
