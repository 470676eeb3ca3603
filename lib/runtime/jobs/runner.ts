import pLimit, { type LimitFunction } from 'p-limit';
import PQueue from 'p-queue';
import { consolesFull, queueFull } from '../../errors.js';

export const MAX_INFO = 100;
export const MAX_STREAM = 5;
export const MAX_CONSOLES = 16;
export const MAX_WAITING = 100;
/** Room on top of that for what goes ahead of everything. */
export const MAX_WAITING_FIRST = 10;

interface Entry {
  id: string;
  controller: AbortController;
  reject: (reason: Error) => void;
}

export interface EnqueueOptions {
  /** Whether to go ahead of everything that waits. */
  first?: boolean;
}

/** Does what is asked of one guest: info and streams at once, up to a limit; the rest one at a time, in order. */
export class Runner {
  readonly id: string;
  readonly #queue = new PQueue({ concurrency: 1 });
  readonly #waiting = new Map<string, Entry>();
  #running: Entry | undefined;
  #consoles = 0;
  #info: LimitFunction | undefined;
  #stream: LimitFunction | undefined;

  constructor(id: string) {
    this.id = id;
  }

  /**
   * Counts a console that is about to be opened, until what is returned is called.
   * @throws {AgentError} `queue_full` at once: who looks at a screen does not wait for hours
   */
  enterConsole(): () => void {
    if (this.#consoles >= MAX_CONSOLES) throw consolesFull(this.id, MAX_CONSOLES);
    this.#consoles += 1;
    return () => {
      this.#consoles -= 1;
    };
  }

  /** Runs info actions. Made when first needed: most guests of a large host are asked for nothing for a long time. */
  get info(): LimitFunction {
    this.#info ??= pLimit(MAX_INFO);
    return this.#info;
  }

  /** Runs stream actions. */
  get stream(): LimitFunction {
    this.#stream ??= pLimit(MAX_STREAM);
    return this.#stream;
  }

  /** Actions that wait for their turn. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** The id of what runs. */
  get running(): string | undefined {
    return this.#running?.id;
  }

  /** @throws {AgentError} `queue_full` when too much waits already */
  requireRoom({ first = false }: EnqueueOptions = {}): void {
    const limit = first ? MAX_WAITING + MAX_WAITING_FIRST : MAX_WAITING;
    if (this.#waiting.size >= limit) throw queueFull(this.id, limit);
  }

  /**
   * Queues `work` behind what was asked before.
   * @param id what `end` and `abandon` call it by
   */
  enqueue<T>(
    id: string,
    work: (signal: AbortSignal) => Promise<T>,
    { first = false }: EnqueueOptions = {},
  ): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const entry: Entry = { id, controller: new AbortController(), reject };
      this.#waiting.set(id, entry);
      const run = async (): Promise<void> => {
        if (!this.#waiting.delete(id)) return;
        this.#running = entry;
        await work(entry.controller.signal).then(resolve, reject);
        this.#running = undefined;
      };
      void this.#queue.add(run, { priority: first ? 1 : 0 });
    });
  }

  /** Ends what has that id: what waits never runs, of what runs the signal is aborted. False when it is not there. */
  end(id: string, reason: Error): boolean {
    const entry = this.#waiting.get(id);
    if (entry) {
      this.#waiting.delete(id);
      entry.reject(reason);
      return true;
    }
    if (this.#running?.id !== id) return false;
    this.#running.controller.abort(reason);
    return true;
  }

  /** Ends everything that waits, or what `which` picks of it. What runs goes on. */
  abandon(reason: Error, which: (id: string) => boolean = () => true): void {
    for (const id of [...this.#waiting.keys()].filter(which)) this.end(id, reason);
  }

  /** Starts nothing more; resolves when nothing runs. What waits stays as it is. */
  async pause(): Promise<void> {
    this.#queue.pause();
    await this.#queue.onPendingZero();
  }
}
