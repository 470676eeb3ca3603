import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { startGuest } from '../../../../handlers/guests/start.js';
import { event, finished } from '../../../helpers/agent.js';
import { SimulatedHost } from '../../../helpers/simulated-host.js';
import { gate, until } from '../../../helpers/wait.js';

// Guarantees: G51.

const LAST = { autostart: { policy: 'last' } } as const;

test('shuts guests down in the reverse order of their start, and they come back after the boot', async (t) => {
  const host = await SimulatedHost.make(t);
  const { context } = await host.start();
  const first = await host.add({ autostart: { policy: 'last', order: 1 } });
  const second = await host.add({ autostart: { policy: 'last', order: 2 } });
  const plain = await host.add();
  const off = await host.add(LAST, { state: 'shutoff', reason: 'shutdown' });

  t.deepEqual(await context.host.down({}, 30_000), { phase: 'down', waiting: [] });
  t.deepEqual(host.shutdowns, [plain, second, first]);
  t.deepEqual(context.guests.get(first).intent, { power: 'on', held: true });
  t.true(context.jobs.list().every(({ Cause }) => Cause === 'host-down'));

  await host.die();
  await host.start();
  await until('they are back', () => host.agent.context.host.status().phase === 'up');
  t.deepEqual(
    host.starts.map(({ id }) => id),
    [first, second],
  );
  t.is(host.stateOf(off), 'shutoff');
  t.deepEqual(host.agent.context.guests.get(first).intent, { power: 'on' });
});

test('a guest that does not comply keeps running, or loses its power by force', async (t) => {
  const host = await SimulatedHost.make(t);
  const { context } = await host.start();
  const id = await host.add({ ...LAST, metadata: { name: 'stubborn' } });
  host.onShutdown = () => {
    throw new Error('it does not react');
  };
  const kept = await context.host.down({ timeout: 1 }, 30_000);
  t.is(kept.phase, 'down');
  t.like(kept.waiting, [{ id, name: 'stubborn', state: 'running' }]);
  t.regex(kept.waiting[0]?.problem ?? '', /does not react/);

  t.deepEqual(await context.host.down({ timeout: 1, force: true }, 30_000), { phase: 'down', waiting: [] });
  t.is(host.stateOf(id), 'shutoff');
  t.deepEqual(context.guests.get(id).intent, { power: 'on', held: true });
});

test('waits for as many guests as shut down at once without a warning of Node', async (t) => {
  const host = await SimulatedHost.make(t);
  const { context } = await host.start();
  for (let count = 0; count < 20; count += 1) await host.add();
  const hang = gate();
  host.onShutdown = () => hang.opened;
  const warnings: string[] = [];
  const note = ({ name }: Error): void => void warnings.push(name);
  process.on('warning', note);
  t.teardown(() => process.off('warning', note));
  const down = context.host.down({}, 30_000);
  await until('16 guests are waited for', () => context.jobs.list().length === 16);
  hang.open();
  t.like(await down, { phase: 'down', waiting: [] });
  t.deepEqual(warnings, []);
});

test("each guest gets its own time, or the request's", async (t) => {
  const host = await SimulatedHost.make(t);
  const { context, scripted } = await host.start();
  await host.add({ autostart: { policy: 'never', shutdownTimeout: 300 } });
  await host.add();
  await context.host.down({ timeout: 90, force: true }, 30_000);
  t.deepEqual(
    scripted
      .requests('Test.shutdown')
      .map(({ args }) => args)
      .sort((one, other) => Number(other?.timeout) - Number(one?.timeout)),
    [
      { timeout: '300', force: 'true' },
      { timeout: '90', force: 'true' },
    ],
  );
});

test('saves the guests that are to be saved, and shuts down those that cannot be', async (t) => {
  const host = await SimulatedHost.make(t);
  const { context } = await host.start();
  const asked = await host.add(LAST);
  const never = await host.add({ autostart: { policy: 'last', hostDown: 'shutdown' } });
  const failing = await host.add(LAST);
  host.onSave = (id) => {
    if (id === failing) throw new Error('no room');
  };
  t.deepEqual(await context.host.down({ save: true }, 30_000), { phase: 'down', waiting: [] });
  t.deepEqual(new Set(host.shutdowns), new Set([never, failing]));
  t.like(context.guests.get(asked), { reason: 'saved', intent: { power: 'on', held: true } });
});

test('saves only the guests that say so when the host is not told to', async (t) => {
  const host = await SimulatedHost.make(t);
  const { context } = await host.start();
  const saved = await host.add({ autostart: { policy: 'never', hostDown: 'save' } });
  const plain = await host.add();
  await context.host.down({}, 30_000);
  t.deepEqual(host.shutdowns, [plain]);
  t.is(context.guests.get(saved).reason, 'saved');
});

test('nothing starts by itself while the host goes down, also after a restart of the agent', async (t) => {
  const host = await SimulatedHost.make(t);
  const { context } = await host.start();
  const id = await host.add({ ...LAST, restart: { policy: 'on-failure' } });
  host.onShutdown = () => host.set(id, { state: 'crashed', reason: 'killed' });
  await context.host.down({}, 30_000);
  host.set(id, { state: 'crashed', reason: 'killed' });
  await host.stop();
  await host.start();
  await delay(1500);
  t.deepEqual(host.starts, []);
  t.is(host.agent.context.host.status().phase, 'down');
});

test('a call joins the shutdown that is under way, and says which guests it waits for', async (t) => {
  const host = await SimulatedHost.make(t);
  const { context } = await host.start();
  const id = await host.add(LAST);
  const hang = gate();
  host.onShutdown = () => hang.opened;
  t.like(await context.host.down({}, 0), { phase: 'going-down', waiting: [{ id }] });
  t.like(await context.host.down({}, 50), { phase: 'going-down' });
  hang.open();
  t.like(await context.host.down({}, 30_000), { phase: 'down', waiting: [] });
  t.is(host.shutdowns.length, 1);
});

test('a host that stays up after all gets its guests back', async (t) => {
  const host = await SimulatedHost.make(t);
  const { context } = await host.start();
  const last = await host.add(LAST);
  const never = await host.add({ restart: { policy: 'on-failure' } });
  await context.host.down({}, 30_000);
  t.is((await context.host.up()).phase, 'starting');
  await host.reported(last, 'running');
  t.is(host.stateOf(never), 'shutoff');
  t.is((await context.host.up()).phase, 'up');
});

test('the word of a user counts while the host goes down, too', async (t) => {
  const host = await SimulatedHost.make(t);
  const { context } = await host.start();
  const id = await host.add(LAST);
  await context.host.down({}, 30_000);
  const { headers } = await startGuest(event({ params: { guestID: id } }), context);
  await finished(context, headers?.['X-Guest-Job-ID']);
  t.is(host.stateOf(id), 'running');
  t.like(context.host.status(), { phase: 'down', waiting: [{ id }] });
  t.deepEqual(context.guests.get(id).intent, { power: 'on' });
});

test('a shutdown of the host ends an autostart that is under way', async (t) => {
  const host = await SimulatedHost.make(t);
  await host.start();
  await host.add({ autostart: { policy: 'always', order: 1, delay: 5 } });
  const second = await host.add({ autostart: { policy: 'last', order: 2 } });
  await host.die();
  const { context } = await host.start();
  await until('the first one has started', () => host.starts.length === 1);
  t.like(await context.host.down({}, 30_000), { phase: 'down', waiting: [] });
  await delay(500);
  t.is(host.starts.length, 1);
  await host.die();
  await host.start();
  await host.reported(second, 'running');
});
