import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GuestAction } from '../../../../../lib/model/actions.js';
import type { Clock } from '../../../../helpers/clock.js';
import { MAX_WAITING, MAX_WAITING_FIRST, Model } from './model.js';
import { type Outcome, System } from './system.js';

export type Step =
  | { do: 'submit'; guest: number; action: GuestAction; times: number }
  | { do: 'preempt'; guest: number; action: 'poweroff' | 'delete' }
  | { do: 'cancel'; job: number }
  | { do: 'respond'; job: number; outcome: Outcome }
  | { do: 'wait'; ms: number }
  | { do: 'restart' };

/** Totals over all runs. */
export const counts = { accepted: 0, joined: 0, rejected: 0, restarts: 0 };

/** Applies each step to the system and to its model, and compares them. */
export class Both {
  readonly model: Model;
  readonly #system: System;
  readonly #clock: Clock;
  readonly #accepted: string[] = [];

  constructor(system: System, guests: readonly string[], clock: Clock) {
    this.#system = system;
    this.model = new Model(guests);
    this.#clock = clock;
  }

  /** Runs `work` with a system on files of its own. */
  static async run(
    guests: readonly string[],
    clock: Clock,
    work: (both: Both) => Promise<void>,
  ): Promise<void> {
    const directory = await mkdtemp(join(tmpdir(), 'mt-'));
    const system = await System.start(directory, guests);
    try {
      await work(new Both(system, guests, clock));
    } finally {
      await system.close();
      await rm(directory, { recursive: true, force: true });
    }
  }

  async step(step: Step): Promise<void> {
    await this.#do(step);
    await this.#compare();
  }

  /** Responds to all remaining calls. */
  async end(): Promise<void> {
    for (let job = this.model.pickJob(0, 'running'); job; job = this.model.pickJob(0, 'running'))
      await this.step({ do: 'respond', job: 0, outcome: 'success' });
    const left = this.#accepted.filter((job) => !this.#system.hasEnded(job));
    if (left.length > 0) throw new Error(`${left.length} jobs have not ended: ${left}`);
  }

  async #do(step: Step): Promise<void> {
    switch (step.do) {
      case 'submit':
        return this.#submit(step.guest, Array(step.times).fill(step.action));
      case 'preempt':
        return this.#submit(step.guest, [step.action]);
      case 'cancel': {
        const job = this.model.pickJob(step.job, 'any');
        if (job) {
          await this.#system.cancel(job);
          this.model.cancel(job);
        }
        return;
      }
      case 'respond': {
        const job = this.model.pickJob(step.job, 'running');
        if (job) {
          this.#system.respond(job, step.outcome);
          this.model.respond(job, step.outcome === 'success');
        }
        return;
      }
      case 'wait':
        this.#clock.advance(step.ms);
        return this.model.advance(step.ms);
      case 'restart':
        counts.restarts += 1;
        await this.#system.restart();
        return this.model.restart();
    }
  }

  async #submit(n: number, actions: readonly GuestAction[]): Promise<void> {
    const guest = this.model.pick(n);
    if (!guest) return;
    const ids = await Promise.all(actions.map((action) => this.#system.submit(guest, action)));
    for (const [index, action] of actions.entries()) this.#check(guest, action, ids[index]);
  }

  /** @param id the job that the system gave the action; `undefined` when it rejected the action */
  #check(guest: string, action: GuestAction, id: string | undefined): void {
    const joined = this.model.joined(guest, action);
    if (joined !== undefined) {
      if (id !== joined) throw new Error(`${action} got job ${id}; expected: ${joined}`);
      counts.joined += 1;
      return;
    }
    const isFirst = action === 'poweroff' || action === 'delete';
    const room = (isFirst ? MAX_WAITING + MAX_WAITING_FIRST : MAX_WAITING) - this.model.waiting(guest);
    if ((id !== undefined) !== room > 0)
      throw new Error(`${action} was ${id ? 'accepted' : 'rejected'}, with room for ${room}`);
    if (id === undefined) {
      counts.rejected += 1;
      return;
    }
    counts.accepted += 1;
    this.#accepted.push(id);
    this.model.accept(guest, { id, action });
  }

  async #compare(): Promise<void> {
    await System.until(() => this.#difference());
  }

  #difference(): string | undefined {
    const [actual, expected] = [this.#system.running, this.model.running];
    if (JSON.stringify(actual) !== JSON.stringify(expected))
      return `running: ${actual}; expected: ${expected}`;
    const late = this.model.ended.filter((job) => !this.#system.hasEnded(job));
    if (late.length > 0) return `not ended: ${late}`;
    const [guests, modelled] = [this.#system.guests, [...this.model.guests.keys()]];
    return String(guests) === String(modelled) ? undefined : `guests: ${guests}; expected: ${modelled}`;
  }
}
