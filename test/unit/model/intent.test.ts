import test from 'ava';
import type { Guest } from '../../../lib/model/guest.js';
import {
  hasFailed,
  isHalted,
  takenOver,
  turnedOff,
  turnedOn,
  withIntent,
} from '../../../lib/model/intent.js';

const guest = (parts: Partial<Guest> = {}): Guest => ({
  id: '7d3c8f0e-52c1-4c29-9c58-1f1f6d3a2b10',
  autostart: { policy: 'last' },
  ...parts,
});

const ON = { power: 'on' } as const;
const OFF = { power: 'off' } as const;

test('remembers nothing of a guest that never starts by itself', (t) => {
  for (const policies of [{}, { autostart: { policy: 'never' }, restart: { policy: 'never' } }] as const) {
    const plain: Guest = { id: guest().id, state: 'running', ...policies };
    t.is(withIntent(plain, false), plain);
    t.deepEqual(withIntent({ ...plain, intent: ON, restarts: { times: [] } }, false), plain);
  }
});

test('a guest that runs, is paused or sleeps is meant to be on', (t) => {
  for (const state of ['running', 'paused', 'suspended']) {
    t.deepEqual(withIntent(guest({ state }), false).intent, ON);
    t.deepEqual(withIntent(guest({ state, intent: { power: 'on', pending: true } }), false).intent, ON);
  }
});

test('a guest whose policy is new is meant to be as it is', (t) => {
  t.deepEqual(withIntent(guest({ state: 'shutoff', reason: 'killed' }), false).intent, OFF);
  t.deepEqual(withIntent(guest({ state: 'running' }), false).intent, ON);
});

test('a guest that is back waits for nothing, and keeps the times of its restarts', (t) => {
  const times = ['2026-01-01T00:00:00.000Z'];
  const after = (parts: Partial<Guest>) => withIntent(guest({ state: 'running', ...parts }), false).restarts;
  t.deepEqual(after({ intent: ON, restarts: { times, next: times[0] ?? '', problem: 'no memory' } }), {
    times,
  });
  t.is(after({ intent: { power: 'on', pending: true }, restarts: { times } }), undefined);
  t.is(after({ intent: ON, restarts: { times: [], next: times[0] ?? '' } }), undefined);
});

test('a shutdown from inside or by a client makes it off, a crash, a kill or a lost sub-agent does not', (t) => {
  const after = (state: string, reason?: string) =>
    withIntent(guest({ state, intent: ON, ...(reason ? { reason } : {}) }), false).intent?.power;
  for (const [state, reason] of [
    ['shutoff', 'shutdown'],
    ['shutoff', 'poweroff; its switch ports are still to be removed'],
    ['stopped', 'exit code 0'],
  ] as const)
    t.is(after(state, reason), 'off', reason);
  for (const [state, reason] of [
    ['shutoff', 'killed'],
    ['crashed', 'killed or crashed'],
    ['crashed', 'shutdown'],
    ['stopped', 'exit code 137'],
    ['stopped', 'out of memory'],
    ['shutdown', 'shutdown'],
    ['unknown', undefined],
    ['shutoff', undefined],
  ] as const)
    t.is(after(state, reason), 'on', `${state} ${reason}`);
});

test('a shutdown while the host goes down does not change what a guest is meant to be', (t) => {
  const held = withIntent(guest({ state: 'shutoff', reason: 'shutdown', intent: ON }), true);
  t.deepEqual(held.intent, { power: 'on', held: true });
  t.is(withIntent(held, false), held);
  t.deepEqual(withIntent(guest({ state: 'shutoff', reason: 'shutdown', intent: OFF }), true).intent, OFF);
});

test('an equal guest is the same object, so that it is not written again', (t) => {
  for (const intent of [ON, OFF]) {
    const off = guest({ state: 'shutoff', reason: 'killed', intent });
    t.is(withIntent(off, false), off);
  }
  const on = guest({ state: 'running', intent: ON });
  t.is(withIntent(on, false), on);
});

test('a guest has failed when it crashed, was killed, or exited with an error', (t) => {
  const failed = (state: string, reason?: string) => hasFailed({ state, ...(reason ? { reason } : {}) });
  t.true(failed('crashed', 'killed or crashed'));
  t.true(failed('crashed'));
  t.true(failed('shutoff', 'killed'));
  t.true(failed('shutoff', 'out of memory'));
  t.true(failed('stopped', 'exit code 1'));
  t.false(failed('stopped', 'exit code 0'));
  t.false(failed('stopped'));
  t.false(failed('shutoff', 'shutdown'));
  t.false(failed('shutoff', 'its switch ports are still to be removed'));
  t.false(failed('running', 'killed'));
  t.false(failed('unknown'));
});

test('a panicked guest is halted, and one whose QEMU is gone is not', (t) => {
  t.true(isHalted({ state: 'crashed', reason: 'panicked' }));
  t.false(isHalted({ state: 'shutoff', reason: 'panicked' }));
  t.false(isHalted({ state: 'crashed', reason: 'killed' }));
});

test("a client's word ends what the agent had planned", (t) => {
  const waiting = guest({
    state: 'shutoff',
    reason: 'killed',
    intent: { power: 'on', pending: true },
    restarts: { times: ['2026-01-01T00:00:00.000Z'] },
  });
  const { restarts: _, ...rest } = waiting;
  t.deepEqual(takenOver(waiting, 'start'), { ...rest, intent: ON });
  t.deepEqual(takenOver(waiting, 'poweroff'), { ...rest, intent: OFF });
  t.deepEqual(takenOver(guest({ state: 'running', intent: ON }), 'shutdown').intent, ON);
  t.deepEqual(turnedOff(guest({ state: 'stopped', reason: 'exit code 143', intent: ON })).intent, OFF);
  t.deepEqual(turnedOff(guest({ state: 'running', intent: ON })).intent, ON);
});

test('a container that ends at once after a client wanted it on is still meant to be on, unless it ended on purpose', (t) => {
  const program = { started: '2026-01-01T00:00:00.000Z', ended: '2026-01-01T00:00:00.010Z', exitCode: 1 };
  const ended = (more: Partial<Guest>) =>
    turnedOn(
      guest({ type: 'container', state: 'stopped', reason: 'exit code 1', program, intent: OFF, ...more }),
    );
  t.deepEqual(ended({}).intent, ON);
  t.deepEqual(ended({ reason: 'exit code 0' }).intent, OFF);
  t.deepEqual(ended({ reason: 'exit code 0', restart: { policy: 'always' } }).intent, ON);
  t.is(turnedOn(guest({ state: 'shutoff' })).intent, undefined);
});
