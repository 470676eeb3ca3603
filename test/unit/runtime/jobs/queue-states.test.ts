import test from 'ava';
import { Clock } from '../../../helpers/clock.js';
import { numberFrom } from '../../../helpers/property.js';
import { Both, type Step } from './model/both.js';

// Guarantees: G2, G3, G14, G16.

const GUESTS = ['00000000-0000-4000-8000-000000000001'];

/** How many steps from the initial state are explored; docs/guarantees.md has the depth that reaches all states. */
const DEPTH = numberFrom('MISTIFY_DEPTH') ?? 3;
/** Bounds the queue, so that the number of states is finite. */
const MAX_JOBS = numberFrom('MISTIFY_JOBS') ?? 2;

const STEPS: readonly Step[] = [
  { do: 'submit', guest: 0, action: 'start', times: 1 },
  { do: 'submit', guest: 0, action: 'suspend', times: 1 },
  { do: 'preempt', guest: 0, action: 'poweroff' },
  { do: 'preempt', guest: 0, action: 'delete' },
  { do: 'cancel', job: 0 },
  { do: 'cancel', job: 1 },
  { do: 'respond', job: 0, outcome: 'success' },
  { do: 'respond', job: 0, outcome: 'failure' },
  { do: 'wait', ms: 5000 },
  { do: 'restart' },
];

const clock = new Clock();

test.before(() => clock.start());
test.after.always(() => clock.stop());

/**
 * Takes the steps on a system of its own, comparing it with its model after each.
 * @returns the state that they lead to; `undefined` when the last step does not apply, or exceeds the bound
 */
const take = async (path: readonly Step[]): Promise<string | undefined> => {
  let state: string | undefined;
  await Both.run(GUESTS, clock, async (both) => {
    const last = path.at(-1);
    for (const step of path.slice(0, -1)) await both.step(step);
    if (last && !isApplicable(both, last)) return;
    if (last) await both.step(last);
    state = both.model.description;
    await both.end();
  });
  return state;
};

const isApplicable = ({ model }: Both, step: Step): boolean => {
  const [guest] = GUESTS;
  if (guest === undefined || !model.guests.has(guest)) return step.do === 'restart';
  if (step.do === 'submit' || step.do === 'preempt') return model.waiting(guest) < MAX_JOBS;
  if (step.do === 'cancel' && step.job === 1) return model.waiting(guest) > 0;
  return step.do === 'restart' || model.running.length > 0;
};

test('the queue and its recovery behave like their model in every state, by every step', async (t) => {
  t.timeout(3_600_000);
  const known = new Set([await take([])]);
  let transitions = 0;
  let frontier: Step[][] = [[]];
  let depth = 0;
  for (; depth < DEPTH && frontier.length > 0; depth += 1) {
    const next: Step[][] = [];
    for (const path of frontier)
      for (const step of STEPS) {
        const state = await take([...path, step]);
        if (state === undefined) continue;
        transitions += 1;
        if (known.has(state)) continue;
        known.add(state);
        next.push([...path, step]);
      }
    frontier = next;
  }
  t.log(
    `${known.size} states, ${transitions} transitions, ${depth} steps deep; ${frontier.length} states left`,
  );
  t.pass();
});
