import { performance } from 'node:perf_hooks';

/** How often to look whether the process is idle. */
const LOOK_MS = 10_000;
/** The share of the time that an idle process may work. */
const IDLE = 0.02;
/** After so much work a collection is worth its pause, which is 20 to 50 ms. */
const WORTH_MS = 500;
/** V8 returns the pages that one collection has emptied in the next one. */
const COLLECTIONS = 2;

/** What a process did since the last look: `performance.eventLoopUtilization()`. */
export interface Work {
  /** Milliseconds. */
  active: number;
  /** The share of the time, from 0 to 1. */
  utilization: number;
}

/** Decides when a process that has worked and rests now collects its garbage. */
export class IdleCollection {
  #workedMs = 0;
  #due = 0;

  /** @returns whether to collect now */
  isDue({ active, utilization }: Work): boolean {
    this.#workedMs += active;
    if (utilization > IDLE) return false;
    if (this.#workedMs >= WORTH_MS) {
      this.#workedMs = 0;
      this.#due = COLLECTIONS;
    }
    if (this.#due === 0) return false;
    this.#due -= 1;
    return true;
  }
}

/**
 * Has a process collect all its garbage once it rests. By itself V8 does that only when much is allocated, so a process that
 * has worked keeps up to twice the memory that it needs. Does nothing without the flag `--expose-gc`.
 */
export const collectWhenIdle = (): void => {
  const { gc } = globalThis;
  if (gc === undefined) return;
  const collection = new IdleCollection();
  let before = performance.eventLoopUtilization();
  setInterval(() => {
    const now = performance.eventLoopUtilization();
    const work = performance.eventLoopUtilization(now, before);
    before = now;
    if (collection.isDue(work)) gc();
  }, LOOK_MS).unref();
};
