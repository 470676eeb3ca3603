import { replaceFile } from '../../../files/atomic-files.js';
import { readStateFile, stateText } from '../../../files/state-file.js';
import type { CheckpointFiles } from '../../shared/checkpoint-files.js';
import type { SavedMemory } from '../saved-memory/saved-memory.js';
import type { Hardware } from './hardware-changes.js';

/** What is known of the memory in a snapshot. */
export interface CheckpointRecord {
  saved: SavedMemory;
  hardware: Hardware;
  /** The job that took it. */
  job?: string | undefined;
}

export const writeCheckpoint = ({ record }: CheckpointFiles, content: CheckpointRecord): Promise<void> =>
  replaceFile(record, stateText(content));

/** Resolves to `undefined` when there is none. */
export const readCheckpoint = ({ record }: CheckpointFiles): Promise<CheckpointRecord | undefined> =>
  readStateFile<CheckpointRecord>(record);
