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

const GUESTS = [1, 2, 3].map((n) => `00000000-0000-4000-8000-00000000000${n}`);

type Step =
  | { do: 'ask'; guest: number; action: GuestAction; times: number }
  | { do: 'overrule'; guest: number; action: 'poweroff' | 'delete' }
  | { do: 'cancel'; job: number }
  | { do: 'answer'; job: number; outcome: Outcome }
  | { do: 'wait'; ms: number }
  | { do: 'restart' };

const aNumber = fc.nat(1000);

const aStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('ask' as const),
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
      do: fc.constant('overrule' as const),
      guest: aNumber,
      action: fc.constantFrom('poweroff' as const, 'poweroff' as const, 'delete' as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('cancel' as const), job: aNumber }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('answer' as const),
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

/** What is counted over all the runs. */
const counts = { accepted: 0, refused: 0, restarts: 0 };

/** Does the same to the system and to the model of it. */
class Both {
  readonly #system: System;
  readonly #model = new Model(GUESTS);
  readonly #accepted: string[] = [];

  constructor(system: System) {
    this.#system = system;
  }

  async step(step: Step): Promise<void> {
    await this.#do(step);
    await this.#agree();
  }

  /** Answers all that is left. */
  async end(): Promise<void> {
    for (let job = this.#model.pickJob(0, 'running'); job; job = this.#model.pickJob(0, 'running'))
      await this.step({ do: 'answer', job: 0, outcome: 'success' });
    const left = this.#accepted.filter((job) => !this.#system.hasEnded(job));
    if (left.length > 0) throw new Error(`${left.length} jobs have not ended: ${left}`);
  }

  async #do(step: Step): Promise<void> {
    switch (step.do) {
      case 'ask':
        return this.#submit(step.guest, Array(step.times).fill(step.action));
      case 'overrule':
        return this.#submit(step.guest, [step.action]);
      case 'cancel': {
        const job = this.#model.pickJob(step.job, 'any');
        if (job) {
          await this.#system.cancel(job);
          this.#model.cancel(job);
        }
        return;
      }
      case 'answer': {
        const job = this.#model.pickJob(step.job, 'running');
        if (job) {
          this.#system.answer(job, step.outcome);
          this.#model.answer(job, step.outcome === 'success');
        }
        return;
      }
      case 'wait':
        clock.pass(step.ms);
        return this.#model.pass(step.ms);
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
        throw new Error(`${action} was ${id ? 'accepted' : 'refused'}, with room for ${room}`);
      if (id === undefined) counts.refused += 1;
      else {
        counts.accepted += 1;
        this.#accepted.push(id);
        this.#model.accept(guest, { id, action });
      }
    }
  }

  async #agree(): Promise<void> {
    await System.until(() => this.#difference());
  }

  #difference(): string | undefined {
    const [is, should] = [this.#system.running, this.#model.running];
    if (JSON.stringify(is) !== JSON.stringify(should)) return `there runs ${is}, not ${should}`;
    const late = this.#model.ended.filter((job) => !this.#system.hasEnded(job));
    if (late.length > 0) return `not ended: ${late}`;
    const [there, expected] = [this.#system.guests, [...this.#model.guests.keys()]];
    return String(there) === String(expected) ? undefined : `there are ${there}, not ${expected}`;
  }
}

test.before(() => clock.start());
test.after.always(() => clock.stop());

test('whatever is asked, answered, called off and killed: the queues do what a simple model of them does', async (t) => {
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
  t.log(`${counts.accepted} jobs accepted, ${counts.refused} refused; ${counts.restarts} restarts`);
  t.pass();
});
