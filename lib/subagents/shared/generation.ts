import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ifExists, replaceFile } from '../../files/atomic-files.js';

/**
 * The generation ID of a guest that was rolled back, in the directory of its disks. The storage sub-agent writes a new one
 * before each rollback; the qemu sub-agent gives it to the guest at its next start.
 */
const FILE_NAME = 'generation';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export const renewGeneration = (guestDir: string): Promise<void> =>
  replaceFile(join(guestDir, FILE_NAME), `${randomUUID()}\n`);

/** Returns `undefined` for a guest that was never rolled back. */
export const readGeneration = async (guestDir: string): Promise<string | undefined> => {
  const text = (await ifExists(readFile(join(guestDir, FILE_NAME), 'utf8')))?.trim() ?? '';
  return UUID.test(text) ? text : undefined;
};
