import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { isErrno } from '../../lib/errors.js';

const POLL_MS = 100;
/** A guest that runs has a log from its first moment on. */
const NO_LOG_SECONDS = 10;

/** Reads what a guest says on its serial console, from the log that the qemu sub-agent keeps of it. */
export class SerialConsole {
  readonly #log: string;
  #found = false;

  /** @param log path of the guest's serial.log */
  constructor(log: string) {
    this.#log = log;
  }

  /** How often it has said something. */
  async count(words: string): Promise<number> {
    return (await this.#read()).split(words).length - 1;
  }

  /**
   * Waits until it has said something so many times.
   * @throws {Error} with the console's last lines when that takes longer than `seconds`
   */
  async waitFor(words: string, { times = 1, seconds = 90 } = {}): Promise<void> {
    const startedAt = Date.now();
    const giveUpAt = startedAt + seconds * 1000;
    while ((await this.count(words)) < times) {
      if (!this.#found && Date.now() > startedAt + NO_LOG_SECONDS * 1000) {
        throw new Error(`there is no ${this.#log}: give the demo the agent's own config files with -c`);
      }
      if (Date.now() > giveUpAt) {
        const last = (await this.#read()).slice(-2000);
        throw new Error(`the guest did not say "${words}" within ${seconds} s; its console ends:\n${last}`);
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
