import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { ifExists } from '../../../files/atomic-files.js';
import type { QmpClient } from '../../../qmp/client.js';
import type { Accel } from '../machine/accel.js';
import type { SavedMemory } from './saved-memory.js';

const POLL_MS = 5;
const CHUNK_BYTES = 2 ** 20;
/** A QEMU that loads memory may be slow to respond. */
const QUERY_TIMEOUT_MS = 60_000;

/** QEMU does not load a guest's memory. */
export class LoadError extends Error {}

/** CPU models that stand for all that a QEMU can give on this host: another version may give something else. */
const OPEN_MODELS: ReadonlySet<string> = new Set(['max', 'host']);

/** `7.2` of `7.2.22`. */
const seriesOf = (version: string): string => version.split('.').slice(0, 2).join('.');

/**
 * QEMU compares no CPU models when it loads memory: a guest on another CPU fails later.
 * @throws {LoadError} when the vCPUs of a start could differ from those that the memory was saved with
 */
export const requireSameCpu = (
  saved: SavedMemory,
  { version, accel, cpuModel }: { version: string; accel: Accel; cpuModel: string },
): void => {
  if (saved.accel !== accel)
    throw new LoadError(`it was saved with ${saved.accel}, and this host has ${accel}`);
  if (OPEN_MODELS.has(cpuModel) && seriesOf(saved.qemu) !== seriesOf(version))
    throw new LoadError(
      `QEMU ${saved.qemu} saved it, and CPU model ${cpuModel} may be another one with QEMU ${version}`,
    );
};

/** @throws {LoadError} when the file of the memory is not there, or not all of it */
export const requireWhole = async (path: string, { bytes }: Pick<SavedMemory, 'bytes'>): Promise<void> => {
  const file = await ifExists(stat(path));
  if (!file) throw new LoadError(`${path} is missing`);
  if (file.size !== bytes) throw new LoadError(`${path} has ${file.size} of ${bytes} bytes`);
};

/**
 * Sends a guest's memory to its QEMU, which closes the pipe at its end.
 * @returns why the file could not be read, once the pipe is closed
 */
export const feed = async (path: string, pipe: Writable): Promise<Error | undefined> => {
  const file = createReadStream(path, { highWaterMark: CHUNK_BYTES });
  let failure: Error | undefined;
  file.once('error', (error) => {
    failure = error;
  });
  // QEMU itself says why it does not read on. The pipe may also break after its end was written.
  pipe.on('error', () => undefined);
  await pipeline(file, pipe).catch(() => undefined);
  return failure;
};

/** Waits until a QEMU that was started with `-incoming` has loaded all: QMP `query-status`. */
export const waitUntilLoaded = async (qmp: QmpClient): Promise<void> => {
  const isLoading = async (): Promise<boolean> => {
    const { status } = await qmp.execute<{ status: string }>('query-status', undefined, {
      timeoutMs: QUERY_TIMEOUT_MS,
    });
    return status === 'inmigrate';
  };
  while (await isLoading()) await sleep(POLL_MS);
};
