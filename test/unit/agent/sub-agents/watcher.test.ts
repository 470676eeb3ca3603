import '../../../helpers/faulty-disk.js';

import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { WatchedSubAgent } from '../../../../lib/agent/sub-agents/link.js';
import { SubAgentWatcher } from '../../../../lib/agent/sub-agents/watcher.js';
import { EventLog } from '../../../../lib/events/event-log.js';
import type { Guest } from '../../../../lib/model/guest.js';
import type { SubAgentEvent } from '../../../../lib/rpc/protocol/sub-agent-events.js';
import { GuestRevisions } from '../../../../lib/runtime/guests/guest-revisions.js';
import { noteProgress } from '../../../../lib/runtime/jobs/note-progress.js';
import { GuestStore } from '../../../../lib/store/guest-store.js';
import { JobLog } from '../../../../lib/store/job-log.js';
import { withFaults } from '../../../helpers/faulty-disk.js';
import { keepLines } from '../../../helpers/log-lines.js';
import { refusingPort } from '../../../helpers/ports.js';
import { serveFixed, serveRaw } from '../../../helpers/raw-service.js';
import { silentLog } from '../../../helpers/sub-agents.js';
import { tempDir } from '../../../helpers/temp.js';
import { until } from '../../../helpers/wait.js';

// Guarantees: G26.

const reported = (id: string, state: string, revision = 1) => ({ id, state, vnc: 0, revision });

const up = (port: number): WatchedSubAgent => ({
  names: ['qemu'],
  address: { port },
  secret: undefined,
  starting: false,
});
const starting = (port: number): WatchedSubAgent => ({ ...up(port), starting: true });

/** Stores guests and creates a watcher of their sub-agents. */
const setUp = async (t: ExecutionContext, guests: readonly Guest[]) => {
  const dir = await tempDir(t);
  const store = await GuestStore.open(join(dir, 'guests.db'));
  const jobs = await JobLog.open(join(dir, 'jobs.db'));
  for (const guest of guests) await store.insert(guest);
  const events = await EventLog.open(join(dir, 'events'), silentLog);
  const { log, lines } = keepLines();
  const revisions = new GuestRevisions(store, log);
  const exits: { reason?: string } = {};
  const watcher = new SubAgentWatcher({
    revisions,
    noteProgress: (progress) => noteProgress({ guests: store, jobs }, progress),
    events,
    log,
    exits: { reason: () => exits.reason, hang: () => undefined },
  });
  t.teardown(async () => {
    watcher.close();
    await Promise.all([store.close(), jobs.close(), events.end()]);
  });
  const states = () => Object.fromEntries(store.list().map(({ id, state }) => [id, state]));
  const whileFull = <T>(work: () => Promise<T>) =>
    withFaults(dir, () => ({ code: 'ENOSPC', written: 0 }), work);
  const logged = (what: RegExp) =>
    until(`it is logged: ${what}`, () => lines.some(({ msg }) => what.test(String(msg))));
  const services = async () => (await events.read(0)).events.map(({ body }) => body.change);
  return { store, jobs, watcher, events, exits, states, services, whileFull, logged };
};

const running = (id: string): Guest => ({ id, state: 'running', vnc: 5901 });

/** Serves event streams; `first` makes the first line of each. */
const serveEvents = async (t: ExecutionContext, first: (connection: number) => unknown) => {
  const streams: ServerResponse[] = [];
  const port = await serveRaw(t, (_request, response) => {
    streams.push(response);
    response.write(`${JSON.stringify(first(streams.length))}\n`);
  });
  const send = (event: unknown) => streams.at(-1)?.write(`${JSON.stringify(event)}\n`);
  return { port, streams, send };
};

test('marks unreported guests unknown, without VNC, when a sub-agent does not come up in time', async (t) => {
  const down = await refusingPort(t);
  const guests = [running('a'), running('b'), { id: 'c', state: 'create' }, { id: 'd', state: 'error' }];
  const { watcher, store, states } = await setUp(t, guests);
  const { port } = await serveEvents(t, () => ({ guests: [reported('b', 'paused')] }));
  await watcher.watch([starting(down), up(port)], 300);
  t.deepEqual(states(), { a: 'unknown', b: 'paused', c: 'create', d: 'error' });
  t.deepEqual(store.get('a'), { id: 'a', state: 'unknown' });
});

test('marks unreported guests unknown at once when a sub-agent that the agent does not start is down', async (t) => {
  const { watcher, states } = await setUp(t, [running('a')]);
  await watcher.watch([up(await refusingPort(t))], 10_000);
  t.deepEqual(states(), { a: 'unknown' });
});

test('keeps stored states when every sub-agent responds, some without an event stream', async (t) => {
  const { watcher, store } = await setUp(t, [running('a'), running('b')]);
  const { port } = await serveEvents(t, () => ({ guests: [reported('b', 'paused')] }));
  await watcher.watch([up(await serveFixed(t, 404, 'not found')), up(port)], 10_000);
  t.deepEqual(store.list(), [running('a'), { id: 'b', state: 'paused' }]);
});

test('restores the state of a guest whose sub-agent comes up late', async (t) => {
  const { watcher, states } = await setUp(t, [running('a')]);
  let ready = false;
  const port = await serveRaw(t, (_request, response) => {
    if (ready) response.write(`${JSON.stringify({ guests: [reported('a', 'paused')] })}\n`);
    else response.destroy();
  });
  await watcher.watch([starting(port)], 200);
  t.deepEqual(states(), { a: 'unknown' });
  ready = true;
  await until('it is paused', () => states().a === 'paused');
});

test('marks a guest unknown when its sub-agent no longer reports it after reconnecting', async (t) => {
  const { watcher, store, states } = await setUp(t, [running('a'), running('b')]);
  let line: SubAgentEvent = { guests: [reported('a', 'running'), reported('b', 'running')] };
  const { port, streams } = await serveEvents(t, () => line);
  await watcher.watch([up(port)], 10_000);
  line = {};
  streams[0]?.destroy();
  await until('it is gone', () => states().a === 'unknown');
  await store.update('a', (guest) => ({ ...guest, state: 'running' }));
  line = { guests: [reported('b', 'paused', 2)] };
  await until('the other is back', () => states().b === 'paused');
  await until('it is unknown again', () => states().a === 'unknown');
  t.pass();
});

test('keeps the state of a guest that another sub-agent reports', async (t) => {
  const { watcher, states } = await setUp(t, [running('a'), running('b')]);
  const earlier = await serveEvents(t, (connection) => ({
    guests: connection === 1 ? [reported('a', 'running'), reported('b', 'running')] : [],
  }));
  const later = await serveEvents(t, () => ({ guests: [reported('a', 'paused', 2)] }));
  await watcher.watch([up(earlier.port), up(later.port)], 10_000);
  earlier.streams[0]?.destroy();
  await until('the guest of the other is unknown', () => states().b === 'unknown');
  await until('it is back', () => earlier.streams.length > 1);
  t.is(states().a, 'paused');
});

test('skips a malformed event and handles later ones', async (t) => {
  const { watcher, store } = await setUp(t, [running('a')]);
  const { port, send, streams } = await serveEvents(t, () => ({ guests: [reported('a', 'shutoff')] }));
  await watcher.watch([up(port)], 10_000);
  send({ guest: { id: 'a', state: { a: 1 }, vnc: 'x', revision: 1e300 } });
  streams[0]?.write('no JSON\n');
  send({ guest: { ...reported('a', 'paused', 2), note: 'a\u2028b' } });
  await until('it is paused', () => store.get('a').state === 'paused');
  t.deepEqual(store.get('a'), { id: 'a', state: 'paused' });
  t.is(streams.length, 1);
});

for (const [what, line] of Object.entries({
  'is malformed': { guests: [{ id: 'a', state: 5, revision: 1 }] },
  'does not report all guests': { guest: reported('a', 'running', 9) },
}))
  test(`reconnects to a sub-agent whose first line ${what}`, async (t) => {
    const { watcher, states } = await setUp(t, [running('a')]);
    const { port, streams } = await serveEvents(t, (connection) =>
      connection < 3 ? line : { guests: [reported('a', 'paused')] },
    );
    await watcher.watch([up(port)], 10_000);
    t.deepEqual(states(), { a: 'unknown' });
    await until('it is paused', () => states().a === 'paused');
    t.is(streams.length, 3);
  });

test('disconnects a sub-agent that writes an endless line', async (t) => {
  const { watcher, states } = await setUp(t, [running('a')]);
  const { port, streams } = await serveEvents(t, () => ({ guests: [reported('a', 'paused')] }));
  await watcher.watch([up(port)], 10_000);
  const [stream] = streams;
  stream?.write('x'.repeat(9 * 1024 * 1024));
  await until('it is hung up on', () => stream?.destroyed === true);
  await until('the agent reconnects', () => streams.length > 1 && states().a === 'paused');
  t.pass();
});

test('publishes an event when a sub-agent comes up or goes down', async (t) => {
  const { port, streams } = await serveEvents(t, () => ({ guests: [] }));
  const { watcher, events } = await setUp(t, []);
  await watcher.watch([up(port)], 30_000);
  streams[0]?.destroy();
  const seen = await until('both are told', async () => {
    const { events: all } = await events.read(0);
    return all.length >= 2 ? all : undefined;
  });
  t.like(
    seen.slice(0, 2).map(({ body }) => body),
    [
      { kind: 'service', id: 'qemu', change: 'up' },
      { kind: 'service', id: 'qemu', change: 'down' },
    ],
  );
});

test('stores a state once the disk has room, without counting its sub-agent as down', async (t) => {
  const { watcher, states, services, whileFull, logged } = await setUp(t, [running('a'), running('b')]);
  const { port, send, streams } = await serveEvents(t, () => ({
    guests: [reported('a', 'running'), reported('b', 'running')],
  }));
  await watcher.watch([up(port)], 10_000);
  await whileFull(async () => {
    send({ guest: reported('a', 'shutoff', 2) });
    await logged(/guest state not stored, retrying: .* is full/);
    t.deepEqual(states(), { a: 'running', b: 'running' });
  });
  send({});
  await until('it is stored', () => states().a === 'shutoff');
  t.is(states().b, 'running');
  t.is(streams.length, 1);
  t.deepEqual(await services(), ['up']);
});

test('stores the progress of a job, with its percentage when there is one', async (t) => {
  const { watcher, jobs } = await setUp(t, []);
  const { port, send } = await serveEvents(t, () => ({ guests: [] }));
  await watcher.watch([up(port)], 10_000);
  const { ID } = await jobs.add('agent', 'fetchImage', { kind: 'guest', name: 'start' });
  await jobs.start(ID);
  const seen: unknown[] = [];
  jobs.onChange(({ job, percent }) => seen.push([job.Message, percent]));
  send({ progress: { job: ID, message: '12 of 48 MB', percent: 25 } });
  send({ progress: { job: ID, message: 'converting' } });
  await until('both are stored', () => seen.length === 2);
  t.deepEqual(seen, [
    ['12 of 48 MB', 25],
    ['converting', undefined],
  ]);
});

test('does not count a sub-agent as down when job progress cannot be stored', async (t) => {
  const { watcher, jobs, states, services, whileFull, logged } = await setUp(t, [running('a')]);
  const { port, send } = await serveEvents(t, () => ({ guests: [reported('a', 'running')] }));
  await watcher.watch([up(port)], 10_000);
  const { ID } = await jobs.add('a', 'start', { kind: 'guest', name: 'start' });
  await jobs.start(ID);
  await whileFull(async () => {
    send({ progress: { job: ID, message: '25%' } });
    await logged(/job progress not stored/);
  });
  send({ guest: reported('a', 'paused', 2) });
  await until('it is paused', () => states().a === 'paused');
  t.deepEqual(await services(), ['up']);
});

test('stores unknown states once the disk has room', async (t) => {
  const { watcher, store, whileFull } = await setUp(t, [running('a'), running('b')]);
  const { port, streams } = await serveEvents(t, (connection) =>
    connection === 1 ? { guests: [reported('a', 'paused')] } : {},
  );
  await whileFull(async () => {
    await watcher.watch([up(port), up(await refusingPort(t))], 10_000);
    streams[0]?.destroy();
    await until('the agent reconnects', () => streams.length > 1);
    t.deepEqual(store.list(), [running('a'), running('b')]);
  });
  await until('both are unknown', () => store.list().every(({ state }) => state === 'unknown'));
  t.deepEqual(store.get('a'), { id: 'a', state: 'unknown' });
});

test('applies a state reported during a create once the create has ended', async (t) => {
  const { watcher, store, states } = await setUp(t, [running('a'), { id: 'b', state: 'create' }]);
  const { port, send } = await serveEvents(t, () => ({
    guests: [reported('a', 'paused'), reported('b', 'shutoff')],
  }));
  await watcher.watch([up(port)], 10_000);
  t.deepEqual(states(), { a: 'paused', b: 'create' });
  await store.update('b', (guest) => ({ ...guest, state: 'running' }));
  send({});
  await until('it is shut off', () => states().b === 'shutoff', 10_000);
  t.pass();
});

test('publishes why a sub-agent cannot be started, once for each reason', async (t) => {
  const { watcher, events, exits } = await setUp(t, []);
  const reasons = async () =>
    (await events.read(0)).events.flatMap(({ body }) => (body.kind === 'service' ? [body.reason] : []));
  exits.reason = 'it exited with code 1: the pool is gone';
  await watcher.watch([starting(await refusingPort(t))], 300);
  await until('the reason is published', async () => (await reasons()).length === 1);
  t.deepEqual([...watcher.downReasons()], [['qemu', exits.reason]]);
  const first = exits.reason;
  exits.reason = 'it exited with code 1: the pool is full';
  await until('the new reason is published', async () => (await reasons()).length === 2);
  t.deepEqual(await reasons(), [first, exits.reason]);
});

test('reports why a sub-agent that the agent does not start is down', async (t) => {
  const { watcher } = await setUp(t, []);
  await watcher.watch([up(await refusingPort(t))], 300);
  t.regex(watcher.downReasons().get('qemu') ?? '', /ECONNREFUSED/);
});
