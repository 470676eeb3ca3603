import { errorMessage } from '../../../errors.js';
import type { Logger } from '../../../log.js';
import { markHalted } from '../../shared/guest-run-dir.js';
import { Retries } from '../../shared/retries.js';
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
  readonly #retries = new Retries(FIRST_RETRY_MS, MAX_RETRY_MS);

  constructor(options: EndsOptions) {
    this.#options = options;
  }

  /** Stops the retries. */
  close(): void {
    this.#retries.close();
  }

  /**
   * Finishes an end. What fails, as on a full disk, is retried until it succeeds, or the guest is started, powered off or
   * deleted. Never fails, and does not wait for retries.
   */
  async finish(entry: Entry, end: UnfinishedEnd): Promise<void> {
    entry.unfinishedEnd = end;
    const { log, exclusively } = this.#options;
    try {
      await this.#tryToFinish(entry, end);
    } catch (error) {
      log.error(
        { err: error, guest: entry.id },
        `end of the guest not finished, retrying: ${errorMessage(error)}`,
      );
      this.#retries.start(entry.id, () => exclusively(entry.id, () => this.#retry(entry)));
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

  async #retry(entry: Entry): Promise<void> {
    const { unfinishedEnd } = entry;
    if (!unfinishedEnd) return;
    await this.#tryToFinish(entry, unfinishedEnd);
    this.#options.log.info({ guest: entry.id }, 'end of the guest finished');
  }
}
