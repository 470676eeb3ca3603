import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { replaceFile } from '../../../files/atomic-files.js';
import type { Logger } from '../../../log.js';
import type { GuestPaths, Layout } from '../layout.js';
import type { Definition } from '../machine/definition.js';

/** What is kept of a guest on disk. */
export interface GuestRecord {
  definition: Definition;
  /** Its last run ended without its own or our doing. */
  crashed: boolean;
  /** It was asked over ACPI to end so that it can be started anew, which is still to be done. */
  rebooting?: boolean;
  /** The user that its QEMU runs as, and the group of that number; none before its first start, nor where this is not root. */
  uid?: number;
}

/** Writes a guest's record: whole, or not at all. */
export const saveRecord = async (paths: GuestPaths, record: GuestRecord): Promise<void> => {
  await mkdir(paths.stateDir, { recursive: true, mode: 0o700 });
  await replaceFile(paths.record, `${JSON.stringify(record, null, 2)}\n`);
};

export const removeRecord = (paths: GuestPaths): Promise<void> =>
  rm(paths.stateDir, { recursive: true, force: true });

/** All guests that are defined. A record that cannot be read is reported and left where it is. */
export const loadRecords = async (layout: Layout, log: Logger): Promise<GuestRecord[]> => {
  await mkdir(layout.guestsDir, { recursive: true, mode: 0o700 });
  const records: GuestRecord[] = [];
  for (const id of await readdir(layout.guestsDir)) {
    try {
      records.push(JSON.parse(await readFile(layout.paths(id).record, 'utf8')) as GuestRecord);
    } catch (error) {
      log.error({ err: error, guest: id }, 'the record of this guest cannot be read: it is left out');
    }
  }
  return records;
};
