import { mkdir } from 'node:fs/promises';
import { createServer, type IncomingMessage, type RequestListener, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import type { Disk, Guest } from '../../lib/model/guest.js';
import type { Image } from '../../lib/model/image.js';
import type { Snapshot } from '../../lib/model/snapshot.js';
import type { StorageSpace } from '../../lib/model/storage-space.js';
import type { BackupSource, RestoreTarget } from '../../lib/rpc/protocol/backup-disk-messages.js';
import { type StorageOptions, startStorage } from '../../lib/subagents/storage/service.js';
import { LOOPBACK } from './loopback.js';
import { callMethod, GUEST_ID, serve, silentLog } from './sub-agents.js';
import { tempDir } from './temp.js';

/** All fields that a result of `ImageStore` may have. */
export interface StorageResult extends StorageSpace {
  guest: Guest & { disks: Disk[] };
  images: Image[];
  snapshots: Snapshot[];
  disks: { volume: string; used: number }[];
  message?: string;
  source: BackupSource;
  target: RestoreTarget;
}

/** A storage sub-agent on a free port, with its own directories. */
export interface TestStorage {
  port: number;
  dir: string;
  runDir: string;
  importDir: string;
  /**
   * Calls `ImageStore.<method>`.
   * @throws the error of the response
   */
  call: (method: string, request: unknown, attempt?: number) => Promise<StorageResult>;
  /** Ends its work and unlocks its directory, as if it was killed. */
  close: () => Promise<void>;
}

/**
 * Starts a storage sub-agent.
 * @param parent the directory for its directories; by default a temporary one
 */
export const startTestStorage = async (
  t: ExecutionContext,
  parent?: string,
  options: Partial<StorageOptions> = {},
): Promise<TestStorage> => {
  const base = parent ?? (await tempDir(t));
  const [dir, runDir, importDir] = [join(base, 'store'), join(base, 'run'), join(base, 'import')];
  await mkdir(importDir, { recursive: true });
  const { subAgent, close } = await startStorage(
    {
      dir,
      runDir,
      hostDir: join(base, 'host'),
      importDir: [importDir],
      privateAddress: LOOPBACK,
      ...options,
    },
    silentLog,
  );
  const end = async (): Promise<void> => close?.();
  t.teardown(end);
  const port = await serve(t, subAgent);
  const call = async (method: string, request: unknown, attempt = 1): Promise<StorageResult> => {
    const stage = { job: 'a-job', stage: 0, attempt };
    const { status, result, error } = await callMethod(port, `ImageStore.${method}`, request, stage);
    if (status !== 200 || error) throw new Error(error ?? `status ${status}`);
    return result as unknown as StorageResult;
  };
  return { port, dir, runDir, importDir, call, close: end };
};

export const qemuImg = async (...args: string[]): Promise<void> => {
  await execa('qemu-img', args);
};

/** Runs one command of qemu-io(1) on a file. */
export const qemuIo = async (
  path: string,
  command: string,
  format: 'qcow2' | 'raw' = 'qcow2',
): Promise<string> => {
  const { stdout } = await execa('qemu-io', ['-f', format, '-c', command, path]);
  if (/verification failed/i.test(stdout)) throw new Error(stdout);
  return stdout;
};

/**
 * Creates a 1 MB qcow2 image filled with `byte`, and fetches it.
 * @returns the path of the source file
 */
export const addImage = async (storage: TestStorage, id: string, byte = 0x11): Promise<string> => {
  const path = join(storage.importDir, `${encodeURIComponent(id)}.src`);
  await qemuImg('create', '-q', '-f', 'qcow2', path, '1M');
  await qemuIo(path, `write -P ${byte} 0 1M`);
  await storage.call('RequestImage', { id, type: 'kvm', dest: '', source: path });
  return path;
};

export const createGuest = async (
  storage: TestStorage,
  disks: Partial<Disk>[],
  id = GUEST_ID,
): Promise<Disk[]> =>
  (await storage.call('CreateGuestDisks', { guest: { id, disks }, action: 'create' })).guest.disks;

/** Returns a snapshot request with all keys, as the agent sends it. */
export const snapshotRequest = (
  id: string,
  rest: Partial<{ dest: string; destroyMoreRecent: boolean; description: string }> = {},
): object => ({ id, dest: '', recursive: !id.includes('/disk-'), destroyMoreRecent: false, ...rest });

/** Starts a download and reads only the response's head. */
export const openDownload = (port: number, id: string): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' };
    request({ port, path: '/snapshots/download', method: 'POST', headers, agent: false }, resolve)
      .on('error', reject)
      .end(JSON.stringify(snapshotRequest(id)));
  });

/**
 * Serves HTTP on a free loopback port until the test ends.
 * @returns the base URL
 */
export const serveHttp = async (t: ExecutionContext, listener: RequestListener): Promise<string> => {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};
