import { errorMessage } from '../../../errors.js';
import { exists } from '../../../files/exists.js';
import type { Logger } from '../../../log.js';
import type { Entry } from '../guests/entry.js';
import type { Guests } from '../guests/guests.js';
import { discardWarm } from './discard.js';
import { warmFiles } from './record.js';
import { abandonWarming, warmAgain } from './warm.js';
import { templateChange } from './warm-starts.js';

/**
 * Ends what an earlier sub-agent was doing with the memory of templates when it was killed, and removes what it left. A job
 * that warms a template does so again.
 */
export const recoverWarm = async (guests: Guests, log: Logger): Promise<void> => {
  const recover = (entry: Entry): Promise<void> =>
    guests.exclusively(entry.id, async () => {
      await abandonWarming(guests, entry);
      // Both or neither: it may have been killed while it discarded them.
      if ((entry.record.warm !== undefined) !== (await exists(warmFiles(entry.paths).dir))) {
        await discardWarm(guests.host, entry);
        await guests.machines.describe(entry);
      }
    });
  for (const entry of guests.all())
    await recover(entry).catch((error) =>
      log.error(
        { err: error, guest: entry.id },
        `memory of the template not discarded: ${errorMessage(error)}`,
      ),
    );
};

/** Warms templates again whose memory this host can no longer use, one at a time. */
export class WarmUpkeep {
  readonly #guests: Guests;
  readonly #log: Logger;
  readonly #stop = new AbortController();
  readonly #waiting = new Map<string, Entry>();
  #working: Promise<void> | undefined;

  constructor(guests: Guests, log: Logger) {
    this.#guests = guests;
    this.#log = log;
    guests.warmStarts.onBad = (template) => this.#add(template);
  }

  /** Notices that QEMU, or the hardware of a template, is another one, and what an earlier sub-agent has not completed. */
  async review(): Promise<void> {
    const { host } = this.#guests;
    for (const entry of this.#guests.all()) {
      const { warm: found, rewarming } = entry.record;
      if (rewarming) this.#add(entry);
      // While its package is being replaced, QEMU may not work.
      if (found && (await templateChange(host, found, entry).catch(() => undefined)) !== undefined)
        this.#add(entry);
    }
  }

  close(): void {
    this.#stop.abort();
  }

  #add(template: Entry): void {
    this.#waiting.set(template.id, template);
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined;
    });
  }

  async #work(): Promise<void> {
    for (const [id, template] of this.#waiting) {
      this.#waiting.delete(id);
      if (this.#stop.signal.aborted) return;
      await this.#rewarm(template);
    }
  }

  async #rewarm({ id }: Entry): Promise<void> {
    try {
      this.#log.info({ guest: id }, 'template is being warmed again');
      const context = { signal: this.#stop.signal, progress: () => undefined, log: this.#log };
      await warmAgain(this.#guests, id, context);
    } catch (error) {
      this.#log.warn(
        { err: error, guest: id },
        `template not warmed again, its clones boot: ${errorMessage(error)}`,
      );
    }
  }
}
