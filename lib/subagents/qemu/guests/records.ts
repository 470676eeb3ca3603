import { mkdir, readdir, rm } from 'node:fs/promises';
import { AgentError } from '../../../errors.js';
import { ifExists, replaceFile } from '../../../files/atomic-files.js';
import { readStateFile, stateText } from '../../../files/state-file.js';
import type { Logger } from '../../../log.js';
import type { Pending } from '../../../model/pending.js';
import type { WarmRequest } from '../../../model/warm.js';
import type { GuestPaths, Layout } from '../layout.js';
import type { Definition } from '../machine/definition.js';
import type { MachineIdentity } from '../machine/identity.js';
import type { SavedMemory, SavingRecord } from '../saved-memory/saved-memory.js';
import type { Resumption, WarmRecord, WarmSource } from '../warm/record.js';

/** The options of a reboot that is under way. */
export interface RebootRecord {
  timeoutMs: number;
  force: boolean;
}

/** The content of a guest's `guest.json`. */
export interface GuestRecord {
  definition: Definition;
  /** The changes that the next start applies to the definition. */
  pending?: Pending | undefined;
  /** Absent in the records of earlier versions until it is found out. */
  machine?: MachineIdentity;
  /** Whether the last run ended without the guest or the sub-agent ending it. */
  crashed: boolean;
  /** Why the last run ended, if that is known. */
  reason?: string | undefined;
  /** Whether a run began and its end is not recorded yet. */
  running?: boolean;
  /** Whether a reboot is under way: once the guest is off, it must be started again. */
  rebooting?: boolean;
  reboot?: RebootRecord | undefined;
  /** When the running guest was last asked to shut itself down, in milliseconds since 1970. */
  toldToShutDown?: number | undefined;
  /** The disk or CD drive that the run in progress was told to boot from, until its order is the usual one again. */
  bootOnce?: string | undefined;
  /** How often the metadata of its seed has changed since it was defined. */
  seedRevision?: number;
  /** The numbers of the disks whose removal was asked for: the next start does not attach them. */
  removing?: number[];
  /** The disk that was added last, and the job that added it. */
  lastAddition?: { job: string; number: number } | undefined;
  /** A save of its memory that is under way. */
  saving?: SavingRecord | undefined;
  saved?: SavedMemory | undefined;
  /** The memory of a template, with which its clones resume. */
  warm?: WarmRecord | undefined;
  /** Whether it is being warmed: its QEMU maps a file that clones are to map. */
  warming?: boolean | undefined;
  /** How the sub-agent is warming it again by itself. */
  rewarming?: Required<WarmRequest> | undefined;
  /** What its first start resumes with. */
  warmFrom?: WarmSource | undefined;
  /** What the last run of a clone has resumed with; absent when it booted. */
  resumption?: Resumption | undefined;
  /** The user and group of its QEMU. Absent before the first start, and when the sub-agent is not root. */
  uid?: number;
  /** The user of its TPM, as `uid`. */
  tpmUid?: number;
}

/** Writes a guest's record atomically. */
export const saveRecord = async (paths: GuestPaths, record: GuestRecord): Promise<void> => {
  await mkdir(paths.stateDir, { recursive: true, mode: 0o700 });
  await replaceFile(paths.record, stateText(record));
};

export const removeRecord = (paths: GuestPaths): Promise<void> =>
  rm(paths.stateDir, { recursive: true, force: true });

/**
 * Reads the records of all defined guests, and writes nothing. Logs an unreadable record and leaves its file alone.
 * @throws {AgentError} `conflict` when a newer version of the agent wrote one
 */
export const loadRecords = async (layout: Layout, log: Logger): Promise<GuestRecord[]> => {
  const records: GuestRecord[] = [];
  for (const id of (await ifExists(readdir(layout.guestsDir))) ?? []) {
    try {
      const { record: path } = layout.paths(id);
      const record = await readStateFile<GuestRecord>(path);
      if (!record) throw new Error(`${path} is missing`);
      records.push(record);
    } catch (error) {
      if (error instanceof AgentError) throw error;
      log.error({ err: error, guest: id }, 'guest record is unreadable, ignoring the guest');
    }
  }
  return records;
};
