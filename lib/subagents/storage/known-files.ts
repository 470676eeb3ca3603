import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ifExists } from '../../files/atomic-files.js';
import { requireKnownFile } from '../../files/state-file.js';
import { BACKUP_FILE } from './backups/state.js';
import { layoutOf } from './qcow2/layout.js';
import { DISKS_FILE } from './qcow2/records.js';
import { NOTES_FILES } from './qcow2/snapshot-notes.js';

/** The directory of the journal in that of the sub-agent. */
export const journalDir = (dir: string): string => join(dir, 'journal');

/** The directory of what backups need while they are made, in that of the sub-agent. */
export const backupsDir = (dir: string): string => join(dir, 'backups');

const namesIn = async (dir: string): Promise<string[]> => (await ifExists(readdir(dir))) ?? [];

/**
 * Checks the files of a storage before anything is written.
 * @throws {AgentError} `conflict` when a newer version of the agent wrote one
 */
export const requireKnownFiles = async (dir: string): Promise<void> => {
  const journal = journalDir(dir);
  for (const name of await namesIn(journal)) await requireKnownFile(join(journal, name));
  const { guests } = layoutOf(dir);
  for (const guest of await namesIn(guests))
    for (const name of [DISKS_FILE, BACKUP_FILE, ...NOTES_FILES])
      await requireKnownFile(join(guests, guest, name));
};
