import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import pLimit from 'p-limit';
import { replaceFile } from '../../../files/atomic-files.js';
import { exists } from '../../../files/exists.js';
import { readStateFile, stateText } from '../../../files/state-file.js';
import { type ResticRun, resticOutput, runRestic } from './command.js';
import { type DumpedFile, dumpFile, dumpFolder } from './dump.js';
import { kindOfResticError, ResticError } from './failure.js';
import { makeLocalDirectory } from './local-directory.js';
import { onlyOnce } from './only-once.js';
import { readRepositoryId } from './repository-id.js';
import type { ResticSettings } from './settings.js';
import { SharedLock } from './shared-lock.js';
import {
  backupArgs,
  fileBackupArgs,
  type NewFileSnapshot,
  type NewSnapshot,
  parseNode,
  parseSummary,
  type Snapshot,
  type SnapshotNode,
  type Summary,
} from './snapshots.js';

/** How often to ask whether another process still has the repository locked. */
const LOCK_POLL_MS = 2000;

/** The file that says which repository this host uses, so that an empty directory is not taken for it. */
export const REPOSITORY_FILE = 'repository.json';

/** A restic repository. Commands that lock it share one lock, or hold it alone, as in restic itself. */
export class Repository {
  readonly settings: ResticSettings;
  readonly #file: string;
  readonly #lock = new SharedLock();
  /** Two that make a repository at the same time spoil it. */
  readonly #inTurn = pLimit(1);
  #isKnown = false;

  /** @param dir the directory of the sub-agent's own state */
  constructor(settings: ResticSettings, dir: string) {
    this.settings = settings;
    this.#file = join(dir, REPOSITORY_FILE);
  }

  /** Whether this host has used the repository. */
  isInUse(): Promise<boolean> {
    return exists(this.#file);
  }

  /** Whether there may be backups in it, of this host or of others. */
  async mayHaveBackups(): Promise<boolean> {
    const { localDir } = this.settings;
    return localDir === undefined || (await this.isInUse()) || exists(localDir);
  }

  /**
   * Checks that the repository is the one that this host has used, and makes it if the host has not used any.
   * @throws when it is gone, is another one, or has another key
   */
  ensure(signal: AbortSignal): Promise<void> {
    return this.#isKnown ? Promise.resolve() : this.#inTurn(() => this.#ensure(signal));
  }

  async #ensure(signal: AbortSignal): Promise<void> {
    if (this.#isKnown) return;
    const recorded = await readStateFile<{ id: string }>(this.#file);
    if (!recorded) await makeLocalDirectory(this.settings);
    let id = await readRepositoryId(this.settings, signal, recorded !== undefined);
    if (id === undefined) {
      // Another host may make it at the same time.
      const failure = await resticOutput(this.settings, ['init'], { signal }).catch((error: Error) => error);
      id = await readRepositoryId(this.settings, signal, true).catch((error: unknown) => {
        throw failure instanceof Error ? failure : error;
      });
    }
    if (recorded && recorded.id !== id)
      throw new Error(
        `the backup repository at ${this.settings.repository} is not the one that this host has used: mount the right one, or remove ${this.#file} to use this one`,
      );
    if (!recorded) await replaceFile(this.#file, stateText({ id }));
    this.#isKnown = true;
  }

  /** Lists the snapshots with all tags of one of the sets. Does not lock. */
  async snapshots(signal: AbortSignal, tagSets: readonly (readonly string[])[]): Promise<Snapshot[]> {
    if (!(await this.isInUse())) return [];
    const tags = tagSets.flatMap((set) => ['--tag', set.join(',')]);
    const output = await resticOutput(this.settings, ['snapshots', '--json', '--no-lock', ...tags], {
      signal,
    });
    return (JSON.parse(output || '[]') as Snapshot[] | null) ?? [];
  }

  /** Makes a snapshot. @throws {ResticError} `incomplete` when it was saved, but lacks files */
  async backup(snapshot: NewSnapshot, signal: AbortSignal): Promise<Summary> {
    const args = backupArgs(snapshot);
    return this.#shared(signal, () => this.#backUp(args, { signal, cwd: snapshot.cwd }));
  }

  /**
   * Makes a snapshot of one file. The bytes are read once, so another host's lock fails it.
   * @throws the error of the bytes
   */
  async backupFile(snapshot: NewFileSnapshot, input: Readable, signal: AbortSignal): Promise<Summary> {
    // Any lock of a process that is gone keeps it out.
    await this.unlock(signal);
    const args = fileBackupArgs(snapshot);
    return this.#lock.shared(signal, () => this.#backUp(args, { signal, input }));
  }

  async #backUp(args: readonly string[], options: ResticRun): Promise<Summary> {
    let summary: Summary | undefined;
    const onLine = (line: string): void => {
      summary = parseSummary(line) ?? summary;
    };
    await runRestic(this.settings, args, { ...options, onLine });
    if (!summary) throw new ResticError('other', 'restic made a backup, but did not say which');
    return summary;
  }

  /** Calls back for each file and folder of a snapshot. */
  async eachNode(snapshot: string, signal: AbortSignal, onNode: (node: SnapshotNode) => void): Promise<void> {
    const onLine = (line: string): void => {
      const node = parseNode(line);
      if (node) onNode(node);
    };
    await this.#read(signal, (lock) =>
      runRestic(this.settings, ['ls', '--json', ...lock, snapshot], { signal, onLine }),
    );
  }

  /** Passes the files below a folder of a snapshot to `take`, one at a time. */
  async dump(
    snapshot: string,
    folder: string,
    signal: AbortSignal,
    take: (file: DumpedFile) => Promise<void> | void,
  ): Promise<void> {
    const pass = onlyOnce(async (lock, begins) => {
      for await (const file of dumpFolder(this.settings, snapshot, folder, lock, { signal })) {
        begins();
        await take(file);
      }
    });
    await this.#read(signal, pass);
  }

  /** Passes the content of a file of a snapshot to `take`, chunk by chunk. */
  async dumpFile(
    snapshot: string,
    path: string,
    signal: AbortSignal,
    take: (chunk: Buffer) => Promise<void> | void,
  ): Promise<void> {
    const pass = onlyOnce((lock, begins) =>
      dumpFile(this.settings, ['dump', ...lock, snapshot, `/${path}`], { signal }, (chunk) => {
        begins();
        return take(chunk);
      }),
    );
    await this.#read(signal, pass);
  }

  /** Reads a file of a snapshot as text. */
  read(snapshot: string, path: string, signal: AbortSignal): Promise<string> {
    return this.#read(signal, (lock) =>
      resticOutput(this.settings, ['dump', ...lock, snapshot, `/${path}`], { signal }),
    );
  }

  /** Removes snapshots. */
  async forget(ids: readonly string[], signal: AbortSignal): Promise<void> {
    if (ids.length > 0) await this.#alone(signal, ['forget', ...ids]);
  }

  /**
   * Removes data that no snapshot needs.
   * @param isComplete whether to keep none of it, not even the rest that costs more to remove than it frees
   * @returns what restic printed
   */
  prune(signal: AbortSignal, isComplete: boolean): Promise<string> {
    return this.#alone(signal, ['prune', ...(isComplete ? ['--max-unused', '0'] : [])]);
  }

  /**
   * Removes locks of processes of this host that are gone.
   * @returns how many locks are left: those of running processes, a dying one included, and of other hosts
   */
  async unlock(signal: AbortSignal): Promise<number> {
    // There is rarely a lock.
    if ((await this.#countLocks(signal)) === 0) return 0;
    await this.#unlock(signal);
    return this.#countLocks(signal);
  }

  async #countLocks(signal: AbortSignal): Promise<number> {
    const locks = await resticOutput(this.settings, ['list', 'locks', '--no-lock'], { signal });
    return locks.split('\n').filter((line) => line !== '').length;
  }

  async #unlock(signal: AbortSignal): Promise<void> {
    await resticOutput(this.settings, ['unlock'], { signal });
  }

  async #alone(signal: AbortSignal, args: readonly string[]): Promise<string> {
    return this.#lock.alone(signal, () =>
      this.#patiently(signal, async () => {
        // Any lock keeps it out, also one of a process that is gone.
        await this.#unlock(signal);
        return resticOutput(this.settings, args, { signal });
      }),
    );
  }

  /** Reads without a lock when the repository has no room for one: that must not keep backups from being restored. */
  #read<T>(signal: AbortSignal, work: (lock: readonly string[]) => Promise<T>): Promise<T> {
    return this.#shared(signal, () =>
      work([]).catch((error: unknown) => {
        if (kindOfResticError(error) !== 'no_space') throw error;
        return work(['--no-lock']);
      }),
    );
  }

  #shared<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    return this.#lock.shared(signal, () => this.#patiently(signal, work));
  }

  /** Repeats work for a while that a lock keeps out. The lock is another host's, or of a process that is dying. */
  async #patiently<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const giveUpAt = Date.now() + this.settings.lockWaitMs;
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (kindOfResticError(error) !== 'locked' || Date.now() >= giveUpAt) throw error;
        await delay(LOCK_POLL_MS, undefined, { signal });
        await this.#unlock(signal);
      }
    }
  }
}
