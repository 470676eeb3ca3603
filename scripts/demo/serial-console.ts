import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { isErrno } from '../../lib/errors.js';

const POLL_MS = 100;
/** QEMU creates the log when it starts, long before this. */
const NO_LOG_SECONDS = 10;

/** Reads the serial console of a guest, from the log that the qemu sub-agent keeps. */
export class SerialConsole {
  readonly #log: string;
  #found = false;

  /** @param log path of the guest's serial.log */
  constructor(log: string) {
    this.#log = log;
  }

  /** Counts how often the guest has printed some words. */
  async count(words: string): Promise<number> {
    return (await this.#read()).split(words).length - 1;
  }

  /**
   * Waits until the guest has printed the words `times` times.
   * @throws {Error} with the end of the console's text after `seconds`
   */
  async waitFor(words: string, { times = 1, seconds = 300 } = {}): Promise<void> {
    const startedAt = Date.now();
    const giveUpAt = startedAt + seconds * 1000;
    while ((await this.count(words)) < times) {
      if (!this.#found && Date.now() > startedAt + NO_LOG_SECONDS * 1000) {
        throw new Error(
          `${this.#log} does not exist: give the demo the same config files as the agent, with -c`,
        );
      }
      if (Date.now() > giveUpAt) {
        const last = (await this.#read()).slice(-2000);
        throw new Error(`the guest did not print "${words}" within ${seconds} s; its console ends:\n${last}`);
      }
      await delay(POLL_MS);
    }
  }

  async #read(): Promise<string> {
    try {
      const text = await readFile(this.#log, 'utf8');
      this.#found = true;
      return text;
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return '';
      throw error;
    }
  }
}
