import { setTimeout as delay } from 'node:timers/promises';
import { coalesce } from '../../async/coalesce.js';
import { errorMessage } from '../../errors.js';
import type { Logger } from '../../log.js';
import { Backoff } from '../../portable/backoff.js';
import type { Problems } from '../../rpc/server/problems.js';
import type { Repository } from './restic/repository.js';
import type { Runs } from './runs.js';

const FIRST_RETRY_MS = 5000;
const MAX_RETRY_MS = 5 * 60_000;

/** Removes from the repository what failed and interrupted runs have left there: locks and snapshots. */
export class Sweeper {
  readonly #repository: Repository;
  readonly #runs: Runs;
  readonly #log: Logger;
  readonly #problems: Problems;
  readonly #closed = new AbortController();
  #mayBeLocked = true;
  #isSweeping = false;

  /** Removes what is there to remove now. */
  readonly sweep = coalesce(() => this.#sweep());

  constructor(repository: Repository, runs: Runs, log: Logger, problems: Problems) {
    this.#repository = repository;
    this.#runs = runs;
    this.#log = log;
    this.#problems = problems;
  }

  /** Removes things in the background, until that has succeeded. @param mayBeLocked whether a lock may be left */
  start(mayBeLocked: boolean): void {
    this.#mayBeLocked ||= mayBeLocked;
    if (this.#isSweeping) return;
    this.#isSweeping = true;
    void this.#untilClean().finally(() => {
      this.#isSweeping = false;
    });
  }

  close(): void {
    this.#closed.abort(new Error('the sub-agent is stopping'));
  }

  get #isClean(): boolean {
    return !this.#mayBeLocked && this.#runs.ended().length === 0;
  }

  async #untilClean(): Promise<void> {
    const { signal } = this.#closed;
    const backoff = new Backoff(FIRST_RETRY_MS, MAX_RETRY_MS);
    const pause = (ms: number): Promise<void> => delay(ms, undefined, { signal, ref: false }).catch(() => {});
    while (!signal.aborted && !this.#isClean) {
      try {
        await this.sweep();
        this.#problems.set('sweep', undefined);
        if (!this.#isClean) await pause(backoff.next());
      } catch (error) {
        if (signal.aborted) return;
        this.#problems.set(
          'sweep',
          `the remains of interrupted backups are not removed from the repository yet, retrying: ${errorMessage(error)}`,
        );
        await pause(backoff.next());
      }
    }
  }

  async #sweep(): Promise<void> {
    const { signal } = this.#closed;
    if (!(await this.#repository.isInUse())) {
      this.#mayBeLocked = false;
      return;
    }
    // A killed restic may take a while to die, and has its lock until then.
    if (this.#mayBeLocked) this.#mayBeLocked = (await this.#repository.unlock(signal)) > 0;
    const runs = this.#runs.ended();
    if (runs.length === 0) return;
    const find = async (): Promise<string[]> => {
      const found = await this.#repository.snapshots(
        signal,
        runs.map((run) => this.#runs.tagsOf(run)),
      );
      return found.map(({ id }) => id);
    };
    const ids = await find();
    await this.#repository.forget(ids, signal);
    // restic does not say when it has removed nothing.
    if (ids.length > 0 && (await find()).length > 0)
      throw new Error('restic did not remove the snapshots that it was asked to');
    for (const run of runs) await this.#runs.remove(run);
    if (ids.length > 0)
      this.#log.info({ runs: runs.length, snapshots: ids.length }, 'remains of runs removed');
  }
}
