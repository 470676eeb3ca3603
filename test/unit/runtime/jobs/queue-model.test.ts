import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import type { GuestAction } from '../../../../lib/model/actions.js';
import { Clock } from '../../../helpers/clock.js';
import { tries } from '../../../helpers/property.js';
import { MAX_WAITING, MAX_WAITING_FIRST, Model } from './model/model.js';
import { type Outcome, System } from './model/system.js';

// Guarantees: G16.

const GUESTS = [1, 2, 3].map((n) => `00000000-0000-4000-8000-00000000000${n}`);

type Step =
  | { do: 'submit'; guest: number; action: GuestAction; times: number }
  | { do: 'preempt'; guest: number; action: 'poweroff' | 'delete' }
  | { do: 'cancel'; job: number }
  | { do: 'respond'; job: number; outcome: Outcome }
  | { do: 'wait'; ms: number }
  | { do: 'restart' };

const aNumber = fc.nat(1000);

const aStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('submit' as const),
      guest: aNumber,
      action: fc.constantFrom<GuestAction>('start', 'suspend', 'reboot'),
      times: fc.oneof(
        { weight: 6, arbitrary: fc.integer({ min: 1, max: 4 }) },
        { weight: 1, arbitrary: fc.constant(70) },
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('preempt' as const),
      guest: aNumber,
      action: fc.constantFrom('poweroff' as const, 'poweroff' as const, 'delete' as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('cancel' as const), job: aNumber }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('respond' as const),
      job: aNumber,
      outcome: fc.constantFrom<Outcome>('success', 'success', 'success', 'failure', 'another guest'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.constantFrom(1000, 4000, 5000, 600_000),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
);

const clock = new Clock();

/** Totals over all runs. */
const counts = { accepted: 0, rejected: 0, restarts: 0 };

/** Applies each step to the system and to its model, and compares them. */
class Both {
  readonly #system: System;
  readonly #model = new Model(GUESTS);
  readonly #accepted: string[] = [];

  constructor(system: System) {
    this.#system = system;
  }

  async step(step: Step): Promise<void> {
    await this.#do(step);
    await this.#compare();
  }

  /** Responds to all remaining calls. */
  async end(): Promise<void> {
    for (let job = this.#model.pickJob(0, 'running'); job; job = this.#model.pickJob(0, 'running'))
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
        const job = this.#model.pickJob(step.job, 'any');
        if (job) {
          await this.#system.cancel(job);
          this.#model.cancel(job);
        }
        return;
      }
      case 'respond': {
        const job = this.#model.pickJob(step.job, 'running');
        if (job) {
          this.#system.respond(job, step.outcome);
          this.#model.respond(job, step.outcome === 'success');
        }
        return;
      }
      case 'wait':
        clock.advance(step.ms);
        return this.#model.advance(step.ms);
      case 'restart':
        counts.restarts += 1;
        await this.#system.restart();
        return this.#model.restart();
    }
  }

  async #submit(n: number, actions: readonly GuestAction[]): Promise<void> {
    const guest = this.#model.pick(n);
    if (!guest) return;
    const ids = await Promise.all(actions.map((action) => this.#system.submit(guest, action)));
    for (const [index, action] of actions.entries()) {
      const id = ids[index];
      const isFirst = action === 'poweroff' || action === 'delete';
      const room = (isFirst ? MAX_WAITING + MAX_WAITING_FIRST : MAX_WAITING) - this.#model.waiting(guest);
      if ((id !== undefined) !== room > 0)
        throw new Error(`${action} was ${id ? 'accepted' : 'rejected'}, with room for ${room}`);
      if (id === undefined) counts.rejected += 1;
      else {
        counts.accepted += 1;
        this.#accepted.push(id);
        this.#model.accept(guest, { id, action });
      }
    }
  }

  async #compare(): Promise<void> {
    await System.until(() => this.#difference());
  }

  #difference(): string | undefined {
    const [actual, expected] = [this.#system.running, this.#model.running];
    if (JSON.stringify(actual) !== JSON.stringify(expected))
      return `running: ${actual}; expected: ${expected}`;
    const late = this.#model.ended.filter((job) => !this.#system.hasEnded(job));
    if (late.length > 0) return `not ended: ${late}`;
    const [guests, modelled] = [this.#system.guests, [...this.#model.guests.keys()]];
    return String(guests) === String(modelled) ? undefined : `guests: ${guests}; expected: ${modelled}`;
  }
}

test.before(() => clock.start());
test.after.always(() => clock.stop());

test('the queues behave like their model under random submissions, responses, cancellations and restarts', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(aStep, { minLength: 1, maxLength: 40, size: 'max' }), async (steps) => {
      const directory = await mkdtemp(join(tmpdir(), 'mt-'));
      const system = await System.start(directory, GUESTS);
      try {
        const both = new Both(system);
        for (const step of steps) await both.step(step);
        await both.end();
      } finally {
        await system.close();
        await rm(directory, { recursive: true, force: true });
      }
    }),
    tries(8),
  );
  t.log(`${counts.accepted} jobs accepted, ${counts.rejected} rejected; ${counts.restarts} restarts`);
  t.pass();
});
