import { setTimeout as delay } from 'node:timers/promises';
import { errorMessage } from '../../../errors.js';
import type { Logger } from '../../../log.js';
import { Backoff } from '../../../portable/backoff.js';
import { markHalted } from '../../shared/guest-run-dir.js';
import type { Entry, UnfinishedEnd } from './entry.js';
import { type Host, removeRunResources } from './launch.js';
import type { Machines } from './machines.js';
import { dropRemovedNics } from './nics/removal.js';

const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 5000;

export interface EndsOptions {
  host: Host;
  machines: Machines;
  log: Logger;
  /** Runs the changes of one guest one at a time. */
  exclusively: (id: string, change: () => Promise<void>) => Promise<void>;
}

/** Finishes the ends of guests' runs: saves why each ended, and removes what exists on the host only while it runs. */
export class Ends {
  readonly #options: EndsOptions;
  readonly #closed = new AbortController();

  constructor(options: EndsOptions) {
    this.#options = options;
  }

  /** Stops the retries. */
  close(): void {
    this.#closed.abort();
  }

  /**
   * Finishes an end. What fails, as on a full disk, is retried until it succeeds, or the guest is started, powered off or
   * deleted. Never fails, and does not wait for retries.
   */
  async finish(entry: Entry, end: UnfinishedEnd): Promise<void> {
    entry.unfinishedEnd = end;
    try {
      await this.#tryToFinish(entry, end);
    } catch (error) {
      this.#options.log.error(
        { err: error, guest: entry.id },
        `end of the guest not finished, retrying: ${errorMessage(error)}`,
      );
      void this.#retry(entry, end);
    }
  }

  async #tryToFinish(entry: Entry, end: UnfinishedEnd): Promise<void> {
    const { host, machines } = this.#options;
    const { crashed, reason } = end;
    const failure = await entry.update({ crashed, reason, running: false, toldToShutDown: undefined }).then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
    // The run directory tells the next sub-agent about a crash that is not saved.
    if (failure && crashed) throw failure.error;
    await removeRunResources(host, entry.paths, entry.record.definition.nics);
    if (end.halted) await markHalted(entry.paths);
    if (failure) throw failure.error;
    if (await dropRemovedNics(entry)) await machines.describe(entry);
    entry.unfinishedEnd = undefined;
  }

  async #retry(entry: Entry, end: UnfinishedEnd): Promise<void> {
    const { exclusively, log } = this.#options;
    const { signal } = this.#closed;
    const backoff = new Backoff(FIRST_RETRY_MS, MAX_RETRY_MS);
    while (entry.unfinishedEnd === end) {
      await delay(backoff.next(), undefined, { signal, ref: false }).catch(() => {});
      if (signal.aborted) return;
      await exclusively(entry.id, async () => {
        if (entry.unfinishedEnd !== end) return;
        await this.#tryToFinish(entry, end);
        log.info({ guest: entry.id }, 'end of the guest finished');
      }).catch(() => {});
    }
  }
}
