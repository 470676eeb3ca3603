import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Backup } from '../../lib/model/backup.js';
import type { Guest } from '../../lib/model/guest.js';
import type { BackupSource } from '../../lib/rpc/protocol/backup-disk-messages.js';
import { type BackupOptions, startBackup } from '../../lib/subagents/backup/service.js';
import { TestDisk } from './backup-disk.js';
import { callMethod, GUEST_ID, serve, silentLog } from './sub-agents.js';
import { tempDir } from './temp.js';

/** What the methods of `Backup` may respond with. */
export interface BackupResult {
  backup: Backup;
  backups: Backup[];
  record: Guest;
  files: { name: string }[];
  message?: string;
}

/** A failed call, with the kind of its refusal. */
export class CallError extends Error {
  readonly kind: string | undefined;

  constructor(message: string, kind: string | undefined) {
    super(message);
    this.kind = kind;
  }
}

export interface TestBackup {
  port: number;
  dir: string;
  /** @throws {CallError} */
  call: (method: string, request: unknown, attempt?: number) => Promise<BackupResult>;
  /** Ends its work and unlocks its directory. */
  close: () => Promise<void>;
}

/** Calls a method of `Backup` on a port. @throws {CallError} */
export const callBackup = async (
  port: number,
  method: string,
  request: unknown,
  attempt = 1,
): Promise<BackupResult> => {
  const stage = { job: 'a-job', stage: 0, attempt };
  const { status, result, error, kind } = await callMethod(port, `Backup.${method}`, request, stage);
  if (status !== 200 || error) throw new CallError(error ?? `status ${status}`, kind);
  return result as unknown as BackupResult;
};

/**
 * Starts a backup sub-agent.
 * @param parent the directory for its own; by default a temporary one
 */
export const startTestBackup = async (
  t: ExecutionContext,
  options: Partial<BackupOptions> = {},
  parent?: string,
): Promise<TestBackup> => {
  const dir = join(parent ?? (await tempDir(t)), 'backup');
  const { subAgent, close } = await startBackup({ dir, scratch: 4096, lockWaitMs: 0, ...options }, silentLog);
  const end = async (): Promise<void> => close?.();
  t.teardown(end);
  const port = await serve(t, subAgent);
  return {
    ...{ port, dir, close: end },
    call: (method, request, attempt) => callBackup(port, method, request, attempt),
  };
};

/** A guest with one disk, whose backups rotate a bitmap as the storage sub-agent does. */
export class TestGuest {
  readonly record: Guest;
  readonly disk: TestDisk;
  /** The last good backup, since which the disk's bitmap is. */
  since: string | undefined;
  whole: string | undefined;

  constructor(disk: TestDisk, id = GUEST_ID) {
    this.disk = disk;
    this.record = { id, disks: [], metadata: { name: 'web' } };
  }

  static async create(t: ExecutionContext, size: number, id?: string): Promise<TestGuest> {
    return new TestGuest(await TestDisk.create(t, size), id);
  }

  /** Serves the disk, and makes a backup of it. */
  async backUp(
    { call }: Pick<TestBackup, 'call'>,
    {
      files = [],
      id = randomUUID(),
      attempt = 1,
    }: { files?: BackupSource['files']; id?: string; attempt?: number } = {},
  ): Promise<BackupResult> {
    const { disk, since } = this;
    const bitmap = since && `since-${since}`;
    const served = await disk.serve(bitmap === undefined ? {} : { bitmap });
    const source: BackupSource = {
      consistency: 'crash',
      moment: new Date().toISOString(),
      disks: [
        {
          disk: '0',
          size: disk.size,
          socket: served.socket,
          export: served.export,
          ...(bitmap === undefined ? {} : { bitmap: `qemu:dirty-bitmap:${bitmap}` }),
          ...(since === undefined ? {} : { since }),
          ...(this.whole === undefined ? {} : { whole: this.whole }),
        },
      ],
      files,
    };
    const request = { guest: this.record, action: 'createBackup', backup: id, source };
    try {
      const result = await call('Create', request, attempt);
      await served.end();
      if (id === since) return result;
      await disk.addBitmap(`since-${id}`);
      if (bitmap !== undefined) await disk.removeBitmap(bitmap);
      this.since = id;
      return result;
    } finally {
      await served.end();
    }
  }
}

/** Restores the disk of a backup to a blank disk of the same size. */
export const restoreDisk = async (
  t: ExecutionContext,
  { call }: Pick<TestBackup, 'call'>,
  { id, size }: Backup,
  to?: TestDisk,
): Promise<TestDisk> => {
  const target = to ?? (await TestDisk.create(t, size));
  const served = await target.serve({ writable: true });
  try {
    await call('Restore', {
      guest: { id: GUEST_ID },
      action: 'restoreBackup',
      backup: id,
      target: {
        disks: [{ disk: '0', size: target.size, socket: served.socket, export: served.export }],
        filesDir: join(await tempDir(t), 'files'),
      },
      disks: [{ disk: '0', target: '0' }],
      files: true,
    });
  } finally {
    await served.end();
  }
  return target;
};
