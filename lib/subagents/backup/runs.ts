import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceFile } from '../../files/atomic-files.js';
import { readStateFile, stateText } from '../../files/state-file.js';
import type { GuestStates } from './guest-state.js';
import type { Snapshot } from './restic/snapshots.js';
import { PART_TAG, runTag } from './tags.js';

/** An attempt to make a backup. Its snapshots have its id in a tag. */
interface Run {
  /** Absent for the backup of a volume. */
  guest?: string;
  /** Whether its backup is a good one, so that only its parts are to be removed. */
  isGood?: boolean;
}

/**
 * The runs whose snapshots are not, or not all, backups: those that are under way, that failed, or that a crash
 * interrupted, and the partial snapshots of a first backup. Each is on disk before its first snapshot can be in the
 * repository. What it made is neither listed nor used, and is removed from the repository as soon as that can be locked.
 */
export class Runs {
  readonly #dir: string;
  readonly #states: GuestStates;
  readonly #runs = new Map<string, Run>();
  readonly #active = new Set<string>();

  constructor(dir: string, states: GuestStates) {
    this.#dir = join(dir, 'runs');
    this.#states = states;
  }

  async open(): Promise<void> {
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    for (const name of await readdir(this.#dir)) {
      const run = await readStateFile<Run>(join(this.#dir, name));
      const id = name.replace(/\.json$/, '');
      if (!run || !name.endsWith('.json')) continue;
      // A crash may have come between the record of the good backup and that of the run.
      const { last } = run.guest === undefined ? {} : await this.#states.read(run.guest);
      this.#runs.set(id, last?.run === id ? { ...run, isGood: true } : run);
    }
  }

  /** @param guest absent for the backup of a volume */
  async begin(id: string, guest?: string): Promise<void> {
    await this.#write(id, guest === undefined ? {} : { guest });
    this.#active.add(id);
  }

  /** Records that the run has made a good backup. @param hasParts whether it left partial snapshots */
  async succeed(id: string, hasParts: boolean): Promise<void> {
    const run = this.#runs.get(id);
    if (!run) return;
    this.#runs.set(id, { ...run, isGood: true });
    this.#active.delete(id);
    if (hasParts) await this.#write(id, { ...run, isGood: true });
    else await this.remove(id);
  }

  /** Records that the run has ended without a backup. */
  fail(id: string): void {
    this.#active.delete(id);
  }

  /** Lists the runs of which something may have to be removed. */
  ended(): string[] {
    return [...this.#runs.keys()].filter((id) => !this.#active.has(id));
  }

  /** The tags of the snapshots of a run that are to be removed. */
  tagsOf(id: string): string[] {
    return this.#runs.get(id)?.isGood ? [PART_TAG, runTag(id)] : [runTag(id)];
  }

  /** Forgets a run whose snapshots are gone. */
  async remove(id: string): Promise<void> {
    await rm(this.#path(id), { force: true });
    this.#runs.delete(id);
  }

  /** Whether a snapshot is a backup that may be relied on, by what this host knows. */
  isGood({ tags = [] }: Pick<Snapshot, 'tags'>): boolean {
    return ![...this.#runs].some(([id, run]) => !run.isGood && tags.includes(runTag(id)));
  }

  async #write(id: string, run: Run): Promise<void> {
    await replaceFile(this.#path(id), stateText(run));
    this.#runs.set(id, run);
  }

  #path(id: string): string {
    return join(this.#dir, `${id}.json`);
  }
}
