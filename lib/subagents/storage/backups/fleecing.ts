import pRetry from 'p-retry';
import type { QmpClient } from '../../../qmp/client.js';
import { QmpError } from '../../../qmp/errors.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import { backupNodeName, listBlockNodes } from '../../shared/block-nodes.js';
import { diskNodeName } from '../../shared/guest-run-dir.js';
import { removeFile } from '../../shared/qemu-files.js';
import type { StoredDisk } from '../stored.js';

/*
 * Fleecing: QEMU reads and writes a disk through a filter, which copies what the guest is about to overwrite to a scratch
 * file first. Another node shows the disk as it was when the filter came in. The guest never waits for its reader, and when
 * the scratch file is full, it is the reader that gets errors: `copy-before-write` and `snapshot-access` in QEMU's
 * qapi/block-core.json.
 */

/** QEMU may first have to finish other writes. */
const TIMEOUT_MS = 60_000;
/** How long a write of the guest may wait for its copy, in seconds. After that the backup breaks. */
const COPY_TIMEOUT_S = 30;
/** The name of the socket that QEMU listens on, as a descriptor. */
export const LISTENER = 'backup-nbd';
/** More than the readers of all disks open. */
const MAX_CONNECTIONS = 100;

/** The names of the nodes for the disk with a number. */
const scratchNode = (number: number): string => `backup-scratch${number}`;
const snapshotNode = (number: number): string => `backup-snapshot${number}`;

export const exportName = ({ index }: StoredDisk): string => `disk${index}`;

/** A part of QEMU's `BlockInfo`. */
interface BlockInfo {
  qdev?: string;
  inserted?: { 'node-name'?: string };
}

const ask = <Result = unknown>(live: QmpClient, command: string, args?: object): Promise<Result> =>
  live.execute<Result>(command, { ...args }, { timeoutMs: TIMEOUT_MS });

/** Returns the path of the device that uses a block node: QMP `query-block`. */
const findDevice = async (live: QmpClient, node: string): Promise<string | undefined> =>
  (await ask<BlockInfo[]>(live, 'query-block')).find(({ inserted }) => inserted?.['node-name'] === node)
    ?.qdev;

/** Lets the device that uses a node use another one, at once. */
const setDrive = async (live: QmpClient, from: string, to: string): Promise<boolean> => {
  const path = await findDevice(live, from);
  if (path === undefined) return false;
  await ask(live, 'qom-set', { path, property: 'drive', value: to });
  return true;
};

/** @throws {Refusal} when a running guest does not use one of its disks */
export const requireAttached = async (
  live: QmpClient,
  guest: string,
  disks: readonly StoredDisk[],
): Promise<void> => {
  for (const { index } of disks)
    if ((await findDevice(live, diskNodeName(index))) === undefined)
      throw new Refusal(
        'conflict',
        `disk ${index} of guest ${guest} is not plugged in: complete its addition or its removal first`,
      );
};

/** Makes the filter of a disk, which is not in use yet. */
export const addFilter = async (
  live: QmpClient,
  { index }: StoredDisk,
  scratch: { filename: string; limit: number },
): Promise<void> => {
  const file = { driver: 'file', filename: scratch.filename };
  await ask(live, 'blockdev-add', {
    driver: 'qcow2',
    'node-name': scratchNode(index),
    // A write beyond the size fails: the length of the file is its limit.
    file: { driver: 'raw', size: scratch.limit, file },
  });
  await ask(live, 'blockdev-add', {
    driver: 'copy-before-write',
    'node-name': backupNodeName(index),
    file: diskNodeName(index),
    target: scratchNode(index),
    'on-cbw-error': 'break-snapshot',
    'cbw-timeout': COPY_TIMEOUT_S,
  });
};

/** Puts the filter of a disk in: what the guest writes from now on is not in the backup. */
export const insertFilter = async (live: QmpClient, { index }: StoredDisk): Promise<void> => {
  if (!(await setDrive(live, diskNodeName(index), backupNodeName(index))))
    throw new Error(`disk ${index} was unplugged meanwhile`);
};

/** Starts the NBD server of QEMU, on the socket that it has got. */
export const startServer = (live: QmpClient): Promise<unknown> =>
  ask(live, 'nbd-server-start', {
    addr: { type: 'fd', data: { str: LISTENER } },
    'max-connections': MAX_CONNECTIONS,
  });

/**
 * Serves a disk as it was when its filter came in.
 * @param bitmap the name of the bitmap to serve with it
 */
export const exportSnapshot = async (
  live: QmpClient,
  disk: StoredDisk,
  bitmap: string | undefined,
): Promise<void> => {
  const { index } = disk;
  if (bitmap !== undefined)
    // Only a bitmap that does not change can be served. A newer one records what is written from here on.
    await ask(live, 'block-dirty-bitmap-disable', { node: diskNodeName(index), name: bitmap });
  await ask(live, 'blockdev-add', {
    driver: 'snapshot-access',
    'node-name': snapshotNode(index),
    file: backupNodeName(index),
  });
  await ask(live, 'block-export-add', {
    type: 'nbd',
    id: `backup${index}`,
    'node-name': snapshotNode(index),
    name: exportName(disk),
    writable: false,
    ...(bitmap === undefined ? {} : { bitmaps: [{ node: diskNodeName(index), name: bitmap }] }),
  });
};

/** Stops the NBD server and its exports, if QEMU has one. */
const stopServer = async (live: QmpClient): Promise<void> => {
  await ask(live, 'nbd-server-stop').catch((error: unknown) => {
    if (!(error instanceof QmpError)) throw error;
  });
};

/** About five seconds in all: a node stays in use for a moment after its last user has gone. */
const IN_USE_RETRIES = { retries: 12, factor: 1.5, minTimeout: 20, maxTimeout: 1000 };

/** Matches the names of files that QEMU inherits, in a description of a node. */
const PASSED_FILES = /\/dev\/fdset\/\d+/g;

/**
 * Takes all filters out of a running guest's QEMU, with the server and the scratch files. May be repeated after an
 * interruption at any step.
 */
export const removeFilters = async (live: QmpClient, numbers: readonly number[]): Promise<void> => {
  const nodes = new Map((await listBlockNodes(live)).map((node) => [node['node-name'], node]));
  const remove = async (name: string): Promise<void> => {
    if (!nodes.has(name)) return;
    await pRetry(() => ask(live, 'blockdev-del', { 'node-name': name }), IN_USE_RETRIES);
  };
  await stopServer(live);
  for (const index of numbers) {
    const scratch = nodes.get(scratchNode(index));
    const files = new Set(scratch ? JSON.stringify(scratch).match(PASSED_FILES) : []);
    await remove(snapshotNode(index));
    await setDrive(live, backupNodeName(index), diskNodeName(index));
    await remove(backupNodeName(index));
    await remove(scratchNode(index));
    for (const file of files) await removeFile(live, file);
  }
};
