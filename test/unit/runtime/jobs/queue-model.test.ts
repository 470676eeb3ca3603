import test from 'ava';
import fc from 'fast-check';
import type { GuestAction } from '../../../../lib/model/actions.js';
import { Clock } from '../../../helpers/clock.js';
import { tries } from '../../../helpers/property.js';
import { Both, counts, type Step } from './model/both.js';
import type { Outcome } from './model/system.js';

// Guarantees: G16.

const GUESTS = [1, 2, 3].map((n) => `00000000-0000-4000-8000-00000000000${n}`);

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

test.before(() => clock.start());
test.after.always(() => clock.stop());

test('the queues behave like their model under random submissions, responses, cancellations and restarts', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(aStep, { minLength: 1, maxLength: 40, size: 'max' }), async (steps) => {
      await Both.run(GUESTS, clock, async (both) => {
        for (const step of steps) await both.step(step);
        await both.end();
      });
    }),
    tries(8),
  );
  t.log(
    `${counts.accepted} jobs accepted, ${counts.joined} joined, ${counts.rejected} rejected; ${counts.restarts} restarts`,
  );
  t.pass();
});
