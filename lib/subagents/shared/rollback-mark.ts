import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ifExists, replaceFile, sync } from '../../files/atomic-files.js';
import { Refusal } from '../../rpc/protocol/refusal.js';
import { guestDirOf } from './guest-dir.js';

/**
 * A text file in the directory of a guest's disks. While it exists, some of the disks may be rolled back and others not,
 * and the guest must not start. The storage sub-agent writes it before the first disk changes.
 */
const FILE_NAME = 'rollback';

const markPath = (guestDir: string): string => join(guestDir, FILE_NAME);

/** @param text why the guest must not start, and what to do, in one line */
export const writeRollbackMark = (guestDir: string, text: string): Promise<void> =>
  replaceFile(markPath(guestDir), `${text}\n`);

export const removeRollbackMark = async (guestDir: string): Promise<void> => {
  await rm(markPath(guestDir), { force: true });
  await ifExists(sync(guestDir));
};

/** Reads the text of the mark; `undefined` without one. */
export const readRollbackMark = async (guestDir: string): Promise<string | undefined> =>
  (await ifExists(readFile(markPath(guestDir), 'utf8')))?.trim();

/** @throws when a guest's disks are marked */
export const requireNotMarked = async (guest: string, sources: readonly string[]): Promise<void> => {
  const dirs = await Promise.all(sources.map((source) => guestDirOf(guest, source)));
  for (const dir of new Set(dirs)) {
    const text = dir === undefined ? undefined : await readRollbackMark(dir);
    if (text !== undefined) throw new Refusal('conflict', `guest ${guest} does not start: ${text}`);
  }
};
