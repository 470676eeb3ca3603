import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import Joi from 'joi';
import pLimit from 'p-limit';
import { errorMessage } from '../../errors.js';
import { ifExists, replaceFile } from '../../files/atomic-files.js';
import type { Logger } from '../../log.js';

/** The content of `host.json`. */
interface Stored {
  /** The id of the last boot whose guests the agent has looked through. */
  boot: string;
  /** Whether the host goes down: guests are shut down, and none starts by itself. */
  goesDown?: boolean;
  /** Before this time, in milliseconds since 1970, guests of a later order do not start. */
  notBefore?: number;
}

const storedSchema = Joi.object<Stored>({
  boot: Joi.string().required(),
  goesDown: Joi.boolean(),
  notBefore: Joi.number(),
})
  .unknown()
  .required();

const parse = (text: string): Stored => {
  const { value, error } = storedSchema.validate(JSON.parse(text));
  if (error) throw error;
  return value;
};

/** What the agent keeps about its host's boots, in `host.json` of its state. */
export class HostState {
  /** Whether the host was booted since the agent last ran. */
  readonly isNewBoot: boolean;
  readonly #path: string;
  #stored: Stored;
  readonly #writes = pLimit(1);
  #isStored: boolean;

  private constructor(path: string, stored: Stored | undefined, boot: string) {
    this.#path = path;
    this.isNewBoot = stored !== undefined && stored.boot !== boot;
    this.#isStored = stored?.boot === boot;
    this.#stored = stored && this.#isStored ? stored : { boot };
  }

  /** A damaged file counts as one of this boot: guests that were shut off stay off rather than start by mistake. */
  static async open(dbpath: string, boot: string, log: Logger): Promise<HostState> {
    const path = join(dbpath, 'host.json');
    const text = await ifExists(readFile(path, 'utf8'));
    try {
      return new HostState(path, text === undefined ? undefined : parse(text), boot);
    } catch (error) {
      log.error({ err: error }, `${path} is damaged, no guest starts by itself: ${errorMessage(error)}`);
      return new HostState(path, undefined, boot);
    }
  }

  get goesDown(): boolean {
    return this.#stored.goesDown ?? false;
  }

  get notBefore(): number {
    return this.#stored.notBefore ?? 0;
  }

  /** Records that the guests of this boot were looked through. */
  async confirm(): Promise<void> {
    if (!this.#isStored) await this.#store({});
  }

  setGoesDown(goesDown: boolean): Promise<void> {
    return this.#store({ goesDown, notBefore: 0 });
  }

  setNotBefore(notBefore: number): Promise<void> {
    return this.#store({ notBefore });
  }

  async #store(change: Partial<Stored>): Promise<void> {
    const before = this.#stored;
    // At once, because guests change state meanwhile.
    this.#stored = { ...before, ...change };
    try {
      // Two at once would share one temporary file.
      await this.#writes(() => replaceFile(this.#path, `${JSON.stringify(this.#stored)}\n`));
    } catch (error) {
      const keys = Object.keys(change) as (keyof Stored)[];
      const undone = Object.fromEntries(keys.map((key) => [key, before[key]]));
      this.#stored = { ...this.#stored, ...undone };
      throw error;
    }
    this.#isStored = true;
  }
}
