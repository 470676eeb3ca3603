import pLimit, { type LimitFunction } from 'p-limit';
import PQueue from 'p-queue';
import { consolesFull, queueFull } from '../../errors.js';

export const MAX_INFO = 100;
export const MAX_STREAM = 5;
export const MAX_CONSOLES = 16;
export const MAX_WAITING = 100;
/** Extra room for work that goes to the head of the queue. */
export const MAX_WAITING_FIRST = 10;

interface Entry {
  id: string;
  controller: AbortController;
  reject: (reason: Error) => void;
}

export interface EnqueueOptions {
  /** Whether to go to the head of the queue. */
  first?: boolean;
}

/**
 * Runs the actions of one guest, of one image, or the agent's own: info actions, streams and consoles at once, up to a limit each;
 * async actions one at a time, in order.
 */
export class Runner {
  readonly id: string;
  readonly #queue = new PQueue({ concurrency: 1 });
  /**
   * Entries that can still be cancelled without running. p-queue's own `signal` option does not replace this map: it
   * frees the slot as soon as the signal aborts, while the work still runs, so two actions of a guest would overlap.
   */
  readonly #waiting = new Map<string, Entry>();
  #running: Entry | undefined;
  #consoles = 0;
  #info: LimitFunction | undefined;
  #stream: LimitFunction | undefined;

  constructor(id: string) {
    this.id = id;
  }

  /**
   * Takes a slot for a console. It rejects instead of waiting, because consoles stay open for hours.
   * @returns a function that frees the slot
   * @throws {AgentError} `queue_full`
   */
  enterConsole(): () => void {
    if (this.#consoles >= MAX_CONSOLES) throw consolesFull(this.id, MAX_CONSOLES);
    this.#consoles += 1;
    return () => {
      this.#consoles -= 1;
    };
  }

  /** Limits info actions. Made on first use: on a large host most guests need none for a long time. */
  get info(): LimitFunction {
    this.#info ??= pLimit(MAX_INFO);
    return this.#info;
  }

  /** Limits streams. */
  get stream(): LimitFunction {
    this.#stream ??= pLimit(MAX_STREAM);
    return this.#stream;
  }

  /** The number of entries in the queue, without the running one. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** The id of the running entry. */
  get running(): string | undefined {
    return this.#running?.id;
  }

  /** The ids of the entries that wait or run, without those that are cancelled. */
  get unfinished(): string[] {
    const running = this.#running?.controller.signal.aborted === false ? [this.#running.id] : [];
    return [...running, ...this.#waiting.keys()];
  }

  /** @throws {AgentError} `queue_full` when the queue is full */
  requireRoom({ first = false }: EnqueueOptions = {}): void {
    const limit = first ? MAX_WAITING + MAX_WAITING_FIRST : MAX_WAITING;
    if (this.#waiting.size >= limit) throw queueFull(this.id, limit);
  }

  /**
   * Queues `work`, without checking for room.
   * @param id identifies the entry to `cancel` and `cancelWaiting`
   * @param work gets a signal that `cancel` aborts
   * @returns the outcome of `work`; rejects with the reason when the entry is cancelled before it runs
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

  /**
   * Cancels an entry: a waiting one never runs, and the signal of a running one is aborted.
   * @returns false when the entry is neither waiting nor running
   */
  cancel(id: string, reason: Error): boolean {
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

  /** Cancels the waiting entries that `isPicked` accepts, by default all. The running one is unaffected. */
  cancelWaiting(reason: Error, isPicked: (id: string) => boolean = () => true): void {
    for (const id of [...this.#waiting.keys()].filter(isPicked)) this.cancel(id, reason);
  }

  /** Stops starting entries; resolves when none is running. Waiting entries stay in the queue. */
  async pause(): Promise<void> {
    this.#queue.pause();
    await this.#queue.onPendingZero();
  }
}
