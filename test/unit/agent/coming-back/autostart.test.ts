import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { powerOffGuest } from '../../../../handlers/guests/poweroff.js';
import { cancelJob } from '../../../../handlers/jobs/cancel.js';
import type { Guest } from '../../../../lib/model/guest.js';
import { isFinished } from '../../../../lib/model/job.js';
import { event, finished } from '../../../helpers/agent.js';
import { SimulatedHost } from '../../../helpers/simulated-host.js';
import { gate, until } from '../../../helpers/wait.js';

// Guarantees: G49.

const LAST = { autostart: { policy: 'last' } } as const;
const ALWAYS = { autostart: { policy: 'always' } } as const;
const OFF = { state: 'shutoff', reason: 'shutdown' } as const;

/** Waits until no guest waits for its start any more. */
const settled = ({ agent }: SimulatedHost): Promise<unknown> =>
  until('all guests have come back', () => agent.context.host.status().phase === 'up');

test('after a boot, each of 20 guests is where its policy says', async (t) => {
  const host = await SimulatedHost.make(t);
  await host.start();
  const expected = new Map<string, boolean>();
  const add = async (guest: Partial<Guest>, wasOn: boolean, comesBack: boolean) =>
    expected.set(await host.add(guest, wasOn ? undefined : OFF), comesBack);
  for (let round = 0; round < 3; round += 1) {
    await add({}, true, false);
    await add({ autostart: { policy: 'never' } }, true, false);
    await add({ restart: { policy: 'on-failure' } }, true, false);
    await add(LAST, true, true);
    await add(LAST, false, false);
    await add(ALWAYS, round === 0, true);
  }
  await add({ ...LAST, restart: { policy: 'on-failure' } }, true, true);
  const shutDown = await host.add(LAST);
  expected.set(shutDown, false);
  host.set(shutDown, OFF);
  await host.reported(shutDown, 'shutoff');
  t.is(expected.size, 20);

  await host.die();
  await host.start();
  await settled(host);

  for (const [id, comesBack] of expected) t.is(host.stateOf(id), comesBack ? 'running' : 'shutoff');
  t.is(host.starts.length, [...expected.values()].filter(Boolean).length, 'each started once');
  const { jobs } = host.agent.context;
  t.true(jobs.list().every(({ Cause, Action }) => Cause === 'autostart' && Action === 'start'));
});

test('a guest that was paused is started, and the intent of guests without a boot stays', async (t) => {
  const host = await SimulatedHost.make(t);
  await host.start();
  const paused = await host.add(LAST, { state: 'paused' });
  t.deepEqual(host.agent.context.guests.get(paused).intent, { power: 'on' });
  await host.stop();
  host.set(paused, { state: 'shutoff', reason: 'killed' });
  await host.die();
  await host.start();
  await settled(host);
  t.is(host.stateOf(paused), 'running');
});

test('a restart of the agent alone starts nothing', async (t) => {
  const host = await SimulatedHost.make(t);
  await host.start();
  const id = await host.add(ALWAYS);
  await host.stop();
  host.set(id, { state: 'shutoff', reason: 'killed' });
  await host.start();
  await delay(300);
  t.deepEqual(host.starts, []);
});

test('the first start of the agent on a host starts nothing', async (t) => {
  const host = await SimulatedHost.make(t);
  await host.start();
  t.is(host.agent.context.host.status().phase, 'up');
  t.deepEqual(host.starts, []);
});

test('starts guests in their order, with their delays, and at most four at once', async (t) => {
  const host = await SimulatedHost.make(t);
  host.onStart = () => delay(30);
  await host.start();
  const add = (order?: number, seconds?: number) =>
    host.add({
      autostart: {
        policy: 'always',
        ...(order === undefined ? {} : { order }),
        ...(seconds === undefined ? {} : { delay: seconds }),
      },
    });
  const later = [await add(), await add(), await add(), await add(), await add(), await add()];
  const second = [await add(2), await add(2)];
  const first = [await add(1, 0.5)];
  await host.die();
  await host.start();
  await settled(host);

  const ids = host.starts.map(({ id }) => id);
  t.deepEqual(ids.slice(0, 1), first);
  t.deepEqual(ids.slice(1, 3).sort(), [...second].sort());
  t.deepEqual(ids.slice(3).sort(), [...later].sort());
  t.true(host.mostAtOnce > 1 && host.mostAtOnce <= 4, `${host.mostAtOnce} at once`);
  t.true((host.starts[1]?.at ?? 0) - (host.starts[0]?.at ?? 0) >= 500, 'the delay was kept');
});

test('an agent that stops in the middle of an autostart goes on with the rest, in order', async (t) => {
  const host = await SimulatedHost.make(t);
  await host.start();
  const [first, second, third] = [
    await host.add({ autostart: { policy: 'last', order: 1 } }),
    await host.add({ autostart: { policy: 'last', order: 2 } }),
    await host.add({ autostart: { policy: 'last', order: 3 } }),
  ];
  await host.die();
  const hang = gate();
  host.onStart = (id) => (id === second ? hang.opened : undefined);
  await host.start();
  await until('the second one starts', () => host.starts.some(({ id }) => id === second));
  // Its job is left to the next start of the agent, as after a kill.
  await host.stop();
  t.is(host.stateOf(first), 'running');
  host.onStart = () => {};
  await host.start();
  await settled(host);
  hang.open();
  t.deepEqual(
    [first, second, third].map((id) => host.stateOf(id)),
    ['running', 'running', 'running'],
  );
  t.is(host.starts.filter(({ id }) => id === first).length, 1, 'a guest that is on is not started again');
  t.is(host.starts.at(-1)?.id, third);
});

test('waits for a sub-agent that is not ready', async (t) => {
  const host = await SimulatedHost.make(t);
  await host.start();
  const id = await host.add(LAST);
  await host.die();
  host.isSilent = true;
  const { context } = await host.start();
  await delay(500);
  t.deepEqual(host.starts, []);
  t.deepEqual(context.host.status(), { phase: 'starting', waiting: [{ id, state: 'unknown' }] });
  host.speak();
  await settled(host);
  t.is(host.stateOf(id), 'running');
});

test("a user's poweroff of a guest that waits for its turn wins", async (t) => {
  const host = await SimulatedHost.make(t);
  await host.start();
  await host.add({ autostart: { policy: 'always', order: 1, delay: 1 } });
  const second = await host.add({ autostart: { policy: 'always', order: 2 } });
  await host.die();
  const { context } = await host.start();
  await until('it waits', () => context.guests.get(second).intent?.pending);
  const { headers } = await powerOffGuest(event({ params: { guestID: second } }), context);
  t.deepEqual(context.guests.get(second).intent, { power: 'off' });
  await finished(context, headers?.['X-Guest-Job-ID']);
  await settled(host);
  t.is(host.stateOf(second), 'shutoff');
  t.is(host.starts.length, 1);
});

test('a guest that is deleted, or whose policy changes, while it waits is not started', async (t) => {
  const host = await SimulatedHost.make(t);
  await host.start();
  await host.add({ autostart: { policy: 'always', order: 1, delay: 1 } });
  const deleted = await host.add({ autostart: { policy: 'always', order: 2 } });
  const changed = await host.add({ autostart: { policy: 'always', order: 2 } });
  await host.die();
  const { context } = await host.start();
  await until('the first one has started', () => host.starts.length === 1);
  await context.guests.remove(deleted);
  await context.guests.update(changed, (guest) => ({ ...guest, autostart: { policy: 'never' } }));
  await settled(host);
  t.is(host.starts.length, 1);
  t.is(context.guests.get(changed).intent, undefined);
});

test('a start that fails is retried, and the guest says why', async (t) => {
  const host = await SimulatedHost.make(t);
  await host.start();
  const id = await host.add(LAST);
  await host.die();
  let fails = true;
  host.onStart = () => {
    if (fails) throw new Error('the host has no memory for it');
  };
  const { context } = await host.start();
  const failed = await until('it says why', () => {
    const { restarts, intent } = context.guests.get(id);
    return restarts?.problem && restarts.next ? { restarts, intent } : undefined;
  });
  t.regex(failed.restarts.problem ?? '', /no memory/);
  t.true(failed.intent?.pending);
  t.deepEqual(
    context.host.status().waiting.map(({ problem }) => /no memory/.test(problem ?? '')),
    [true],
  );
  fails = false;
  await settled(host);
  t.deepEqual(context.guests.get(id).intent, { power: 'on' });
  await until('the failure is forgotten', () => context.guests.get(id).restarts === undefined);
});

test('the job of an automatic start can be cancelled, and the guest then stays off', async (t) => {
  const host = await SimulatedHost.make(t);
  await host.start();
  const id = await host.add(LAST);
  await host.die();
  const hang = gate();
  host.onStart = () => hang.opened;
  const { context } = await host.start();
  const job = await until('its start runs', () =>
    context.jobs.list({ guestId: id }).find(({ Status }) => Status === 'Running'),
  );
  t.is(job.Cause, 'autostart');
  await cancelJob(event({ params: { jobID: job.ID } }), context);
  await settled(host);
  await delay(1200);
  t.is(host.starts.length, 1);
  t.true(context.jobs.list({ guestId: id }).every(isFinished));
  t.deepEqual(context.guests.get(id).intent, { power: 'off' });
  hang.open();
});
