import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { powerOffGuest } from '../../../../handlers/guests/poweroff.js';
import { startGuest } from '../../../../handlers/guests/start.js';
import type { Restart } from '../../../../lib/model/coming-back.js';
import { event, finished } from '../../../helpers/agent.js';
import { SimulatedHost } from '../../../helpers/simulated-host.js';
import { gate, until } from '../../../helpers/wait.js';

// Guarantees: G50.

const CRASHED = { state: 'crashed', reason: 'killed' } as const;

const withGuest = async (t: ExecutionContext, restart: Partial<Restart> = {}) => {
  const host = await SimulatedHost.make(t);
  const { context } = await host.start();
  const id = await host.add({ restart: { policy: 'on-failure', ...restart } });
  /** Ends the guest, and waits until the agent knows. */
  const fail = async (run: { state: string; reason?: string } = CRASHED): Promise<void> => {
    host.set(id, run);
    await host.reported(id, run.state);
  };
  const guest = () => host.agent.context.guests.get(id);
  return { host, context, id, fail, guest };
};

test('a guest that was killed is started again, and counts its restarts', async (t) => {
  const { host, context, id, fail, guest } = await withGuest(t);
  await fail();
  await host.reported(id, 'running');
  await until('the restart is on record', () => guest().restarts?.next === undefined && guest().restarts);
  t.is(guest().restarts?.times.length, 1);
  t.deepEqual(
    context.jobs.list({ guestId: id }).map(({ Action, Cause }) => [Action, Cause]),
    [['start', 'restart']],
  );
  t.regex(await context.metrics.text(), /automatic_starts_total\{cause="restart",outcome="success"\} 1/);
});

test('a guest that has panicked waits for half a minute, and then gets a reset', async (t) => {
  const { fail, guest, id, host } = await withGuest(t);
  await fail({ state: 'crashed', reason: 'panicked' });
  const next = await until('the reset is planned', () => guest().restarts?.next);
  t.true(Date.parse(next) - Date.now() > 20_000);
  t.deepEqual(host.starts, []);
  t.truthy(id);
});

test('a container that exits with an error is started again, one that ends well is not', async (t) => {
  const { host, id, fail, guest } = await withGuest(t);
  await fail({ state: 'stopped', reason: 'exit code 1' });
  await host.reported(id, 'running');
  await until('the restart has ended', () => guest().restarts && !guest().restarts?.next);
  await fail({ state: 'stopped', reason: 'exit code 0' });
  await delay(1500);
  t.is(host.starts.length, 1);
  t.deepEqual(guest().intent, { power: 'off' });
});

test('a container that is to run always is started again after any exit, until a client powers it off', async (t) => {
  const { host, context, id, fail, guest } = await withGuest(t, { policy: 'always' });
  await fail({ state: 'stopped', reason: 'exit code 0' });
  await host.reported(id, 'running');
  await until('the restart has ended', () => guest().restarts && !guest().restarts?.next);
  t.is(host.starts.length, 1);
  t.deepEqual(guest().intent, { power: 'on' });
  const { headers } = await powerOffGuest(event({ params: { guestID: id } }), context);
  await finished(context, headers?.['X-Guest-Job-ID']);
  t.deepEqual(guest().intent, { power: 'off' });
  await delay(1500);
  t.is(host.starts.length, 1);
});

test('a container that is to run always comes back after a boot if it was on, whatever its program exited with', async (t) => {
  const host = await SimulatedHost.make(t);
  await host.start();
  const policies = { autostart: { policy: 'last' }, restart: { policy: 'always' } } as const;
  const on = await host.add(policies);
  const off = await host.add(policies, { state: 'stopped', reason: 'exit code 0' });
  await host.die();
  await host.start();
  await until('a guest has started', () => host.starts.length > 0);
  await delay(500);
  t.deepEqual(
    host.starts.map(({ id }) => id),
    [on],
  );
  t.is(host.stateOf(off), 'stopped');
});

test('a guest whose policy is never, or that shut itself down, stays off', async (t) => {
  const { host, fail, guest } = await withGuest(t);
  const never = await host.add({ autostart: { policy: 'last' } });
  host.set(never, CRASHED);
  await fail({ state: 'shutoff', reason: 'shutdown' });
  await delay(1500);
  t.deepEqual(host.starts, []);
  t.deepEqual(guest().intent, { power: 'off' });
});

test('waits longer after each failure, and ends after the most retries within the window', async (t) => {
  const { host, id, fail, guest, context } = await withGuest(t, { maxRetries: 2, window: 60 });
  const delays: number[] = [];
  for (let round = 0; round < 2; round += 1) {
    await fail();
    const next = await until('the restart is planned', () => guest().restarts?.next);
    delays.push(Date.parse(next) - Date.now());
    await host.reported(id, 'running');
    await until('the restart has ended', () => !guest().restarts?.next);
  }
  t.true((delays[1] ?? 0) > (delays[0] ?? 0));
  await fail();
  const ended = await until('it has ended', () => (guest().restarts?.ended ? guest().restarts : undefined));
  t.is(ended.problem, 'failed again after 2 automatic starts within 60 s: start it by hand');
  await delay(300);
  t.is(host.starts.length, 2);

  const { headers } = await startGuest(event({ params: { guestID: id } }), context);
  await finished(context, headers?.['X-Guest-Job-ID']);
  t.is(guest().restarts, undefined);
  await fail();
  await until('it is started again', () => host.starts.length === 4);
});

test("a user's poweroff ends the restarts, while one waits and while one runs", async (t) => {
  const { host, context, id, fail, guest } = await withGuest(t);
  const powerOff = async () => {
    const { headers } = await powerOffGuest(event({ params: { guestID: id } }), context);
    await finished(context, headers?.['X-Guest-Job-ID']);
  };
  await fail();
  await until('it waits', () => guest().restarts?.next);
  await powerOff();
  t.is(guest().restarts, undefined);
  t.deepEqual(guest().intent, { power: 'off' });
  await delay(1500);
  t.deepEqual(host.starts, []);

  host.set(id, { state: 'running' });
  await host.reported(id, 'running');
  const hang = gate();
  host.onStart = () => hang.opened;
  await fail();
  await until('it starts', () => host.starts.length === 1);
  const poweringOff = powerOff();
  await delay(100);
  hang.open();
  await poweringOff;
  await delay(2500);
  t.is(host.starts.length, 1);
  t.deepEqual(guest().intent, { power: 'off' });
});

test('a restart that fails is retried, and the guest says why', async (t) => {
  const { host, id, fail, guest } = await withGuest(t);
  host.onStart = () => {
    if (host.starts.length < 2) throw new Error('no memory left');
  };
  await fail();
  await until('it says why', () => /no memory left/.test(guest().restarts?.problem ?? ''));
  await host.reported(id, 'running');
  t.is(host.starts.length, 2);
  await until('the problem is gone', () => guest().restarts && !guest().restarts?.problem);
});

test('an agent that restarts goes on: neither a planned start nor a failure meanwhile is lost', async (t) => {
  const { host, id, fail, guest } = await withGuest(t);
  const other = await host.add({ restart: { policy: 'on-failure' } });
  await fail();
  await until('it waits', () => guest().restarts?.next);
  await host.stop();
  host.set(other, CRASHED);
  await host.start();
  await host.reported(id, 'running');
  await host.reported(other, 'running');
  t.is(host.starts.length, 2);
});

test('never starts a guest twice at once, however often it fails and the agent restarts', async (t) => {
  const { host, id } = await withGuest(t, { maxRetries: 100 });
  host.onStart = () => delay(20);
  for (let round = 0; round < 3; round += 1) {
    host.set(id, CRASHED);
    await delay(round * 500);
    await host.stop();
    await host.start();
  }
  await host.reported(id, 'running');
  t.is(host.mostAtOnce, 1);
});
