import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import type { Disk } from '../../lib/model/guest.js';
import { QmpClient } from '../../lib/qmp/client.js';
import type { TestStorage } from './storage.js';
import { GUEST_ID } from './sub-agents.js';

export interface LiveGuest {
  /** Runs a qemu-io(1) command on a disk inside the running QEMU. */
  io: (disk: number, command: string) => Promise<void>;
  stop: () => Promise<void>;
  /** Ends QEMU by SIGKILL, before it has written anything out. */
  kill: () => Promise<void>;
  /** Runs a QMP command. */
  ask: QmpClient['execute'];
}

const AHCI = new Set(['sata', 'ide']);

/** The option for the device of a disk, with the id that the qemu sub-agent gives it. */
const deviceOf = ({ bus: wanted }: Pick<Disk, 'bus'>, number: number): string => {
  const bus = wanted || 'virtio';
  const common = `drive=disk${number},id=${bus}-disk${number}`;
  if (bus === 'scsi') return `scsi-hd,${common},bus=scsi0.0,scsi-id=${number}`;
  return AHCI.has(bus) ? `ide-hd,${common},bus=ide.${number}` : `virtio-blk-pci,${common}`;
};

/**
 * Starts a real QEMU with a guest's disks open and its sockets where the qemu sub-agent would put them. Its block layer
 * works, but its vCPUs never run, which saves processor time.
 * @param nvram the file of its UEFI variables
 */
export const startLiveGuest = async (
  t: ExecutionContext,
  { runDir }: TestStorage,
  disks: Disk[],
  nvram?: string,
): Promise<LiveGuest> => {
  const dir = join(runDir, GUEST_ID);
  await mkdir(dir, { recursive: true });
  const sockets = ['qmp.sock', 'qmp-storage.sock'].map((name) => join(dir, name));
  const qemu = execa(
    'qemu-system-x86_64',
    [
      ...['-accel', 'tcg', '-machine', 'q35', '-m', '16', '-S', '-nodefaults', '-display', 'none'],
      ...sockets.flatMap((path) => ['-qmp', `unix:${path},server=on,wait=off`]),
      ...(nvram ? ['-blockdev', `driver=file,node-name=nvram-file,filename=${nvram}`] : []),
      ...(nvram ? ['-blockdev', 'driver=qcow2,node-name=nvram,file=nvram-file'] : []),
      ...['-device', 'virtio-scsi-pci,id=scsi0'],
      ...disks.flatMap(({ source, ...disk }, n) => [
        ...['-blockdev', `driver=file,node-name=file${n},filename=${source},discard=unmap`],
        ...[
          '-blockdev',
          `driver=${source.endsWith('.qcow2') ? 'qcow2' : 'raw'},node-name=disk${n},file=file${n},discard=unmap`,
        ],
        ...['-device', deviceOf(disk, n)],
      ]),
    ],
    { reject: false, stdin: 'ignore' },
  );
  const stop = async (): Promise<void> => {
    // Not SIGKILL: zfs-fuse sometimes hangs on files that a killed process had open.
    qemu.kill('SIGTERM');
    await qemu;
  };
  const kill = async (): Promise<void> => {
    qemu.kill('SIGKILL');
    await qemu;
  };
  t.teardown(stop);
  const qmp = await connect(sockets[0] ?? '');
  t.teardown(() => qmp.close());
  const io = async (disk: number, command: string): Promise<void> => {
    const { bus } = disks[disk] ?? {};
    const id = `/machine/peripheral/${bus || 'virtio'}-disk${disk}`;
    const device = (bus || 'virtio') === 'virtio' ? `${id}/virtio-backend` : id;
    const line = `qemu-io -d ${device} "${command}"`;
    const output = await qmp.execute<string>('human-monitor-command', { 'command-line': line });
    // The monitor returns errors only; results go to QEMU's standard output.
    if (output !== '') throw new Error(`${line}: ${output}`);
  };
  return { io, stop, kill, ask: (...input) => qmp.execute(...input) };
};

const connect = async (path: string, deadline = Date.now() + 20_000): Promise<QmpClient> => {
  try {
    return await QmpClient.connect(path, { timeoutMs: 10_000 });
  } catch (error) {
    if (Date.now() > deadline) throw error;
    await new Promise((resolve) => setTimeout(resolve, 50));
    return connect(path, deadline);
  }
};
