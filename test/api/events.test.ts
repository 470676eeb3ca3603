import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { type AgentEvent, MistifyClient } from '../../lib/client/index.js';
import { addGuest } from '../helpers/agent.js';
import { type Api, serveApi } from '../helpers/api.js';
import { tempDir } from '../helpers/temp.js';
import { until } from '../helpers/wait.js';

type Data = Record<string, unknown> & { kind: string; change: string; id: string };

/** Follows the events with the client and collects them. */
const follow = (t: ExecutionContext, { url }: Api, options: Parameters<MistifyClient['events']>[0] = {}) => {
  const controller = new AbortController();
  const client = new MistifyClient({ url });
  const seen: (AgentEvent & { data: Data })[] = [];
  const reading = (async () => {
    for await (const event of client.events({ ...options, signal: controller.signal }))
      seen.push(event as AgentEvent & { data: Data });
  })();
  t.teardown(async () => {
    controller.abort();
    await reading;
  });
  return seen;
};

const changesIn = (seen: readonly { data: Data }[]): string[] =>
  seen.map(({ data: { kind, change } }) => `${kind} ${change}`);

test("reports a guest's creation: the guest, its job from queue to end, and its state", async (t) => {
  const api = await serveApi(t);
  const seen = follow(t, api, { lastEventId: '0' });
  const { body } = await api.call('POST', '/guests?wait=30', { memory: 64 });
  await until('the job has ended', () => changesIn(seen).includes('job ended'));
  const { id } = body as { id: string };
  const ofGuest = seen.filter(({ data }) => data.kind === 'guest');
  t.is(changesIn(ofGuest)[0], 'guest created');
  t.like(ofGuest.at(-1)?.data, { id, guest: { id, state: 'running' } });
  const ofJob = seen.filter(({ data }) => data.kind === 'job');
  t.is(changesIn(ofJob)[0], 'job queued');
  t.like(ofJob.at(-1)?.data, { stage: 0, job: { GuestID: id, Action: 'create', Status: 'Complete' } });
  const ids = seen.map((event) => Number(event.id));
  t.deepEqual(
    ids,
    ids.toSorted((a, b) => a - b),
  );
});

test('reports the progress of a job with its percentage', async (t) => {
  const api = await serveApi(t);
  const seen = follow(t, api, { kind: 'job', lastEventId: '0' });
  const { jobs } = api.context;
  const { ID } = await jobs.add('agent', 'fetchImage', { kind: 'guest', name: 'start' });
  await jobs.start(ID);
  await jobs.setProgress(ID, '12.0 of 100.0 MB', 12);
  await until('it is reported', () => seen.some(({ data }) => data.percent === 12));
  await jobs.complete(ID);
  t.pass();
});

test('reports fetched and deleted images', async (t) => {
  const api = await serveApi(t);
  const seen = follow(t, api, { kind: 'image', lastEventId: '0' });
  await api.call('POST', '/images?wait=30', { id: 'debian-12', source: 'http://192.0.2.1/debian-12.qcow2' });
  await api.call('DELETE', '/images/debian-12?wait=30');
  await until('both are reported', () => seen.length === 2);
  t.deepEqual(changesIn(seen), ['image fetched', 'image deleted']);
  t.is(seen[0]?.data.id, 'debian-12');
});

test('filters by guest and kind', async (t) => {
  const api = await serveApi(t);
  const [one, other] = [await addGuest(api.context), await addGuest(api.context)];
  const seen = follow(t, api, { guest: one.id, kind: 'guest', lastEventId: '0' });
  await api.context.guests.update(other.id, (guest) => ({ ...guest, memory: 1 }));
  await api.context.guests.update(one.id, (guest) => ({ ...guest, memory: 1 }));
  await until('it is reported', () => seen.length === 2);
  t.deepEqual(changesIn(seen), ['guest created', 'guest changed']);
  t.true(seen.every(({ data }) => data.id === one.id));
});

test('resumes after Last-Event-ID', async (t) => {
  const api = await serveApi(t);
  const { id } = await addGuest(api.context);
  const earlier = follow(t, api, { kind: 'guest', lastEventId: '0' });
  await until('it is reported', () => earlier.length === 1);
  await api.context.guests.remove(id);
  const seen = follow(t, api, { kind: 'guest', lastEventId: earlier[0]?.id });
  await until('the rest is reported', () => seen.length === 1);
  t.deepEqual(changesIn(seen), ['guest deleted']);
});

test('starts with new events when the client sends no id', async (t) => {
  const api = await serveApi(t);
  const old = await addGuest(api.context);
  const controller = new AbortController();
  t.teardown(() => controller.abort());
  const { body } = await fetch(`${api.url}/events`, { signal: controller.signal });
  const reader = body?.pipeThrough(new TextDecoderStream()).getReader();
  await reader?.read();
  const { id } = await addGuest(api.context);
  const text = (await reader?.read())?.value ?? '';
  t.true(text.includes(id));
  t.false(text.includes(old.id));
});

test('reports where the stream starts, so that a client can resume before any event', async (t) => {
  const api = await serveApi(t);
  await addGuest(api.context);
  const controller = new AbortController();
  const { headers } = await fetch(`${api.url}/events`, { signal: controller.signal });
  controller.abort();
  const { id } = await addGuest(api.context);
  const seen = follow(t, api, { lastEventId: String(headers.get('X-Last-Event-ID')) });
  await until('something is reported', () => seen.length > 0);
  t.like(seen[0]?.data, { kind: 'guest', change: 'created', id });
});

test('reports events lost in a crash once, with an id to resume from', async (t) => {
  const dbpath = await tempDir(t);
  await mkdir(join(dbpath, 'events'));
  await writeFile(join(dbpath, 'events', 'events.jsonl'), '');
  const api = await serveApi(t, { dbpath });
  const seen = follow(t, api, { lastEventId: '7' });
  await until('it is reported', () => seen.length > 0);
  const { id } = await addGuest(api.context);
  await until('the guest is reported', () => seen.some(({ data }) => data.id === id));
  t.like(seen[0], { event: 'missed', data: { after: 7 } });
  t.is(seen.filter(({ event }) => event === 'missed').length, 1);
  const { text } = await api.call('GET', `/events?after=${seen[0]?.id}&limit=1`);
  t.notRegex(text, /missed/);
});

test('ends the stream after the limit', async (t) => {
  const api = await serveApi(t);
  for (let n = 0; n < 3; n += 1) await addGuest(api.context);
  const { text } = await api.call('GET', '/events?after=0&limit=2&kind=guest');
  t.is(text.match(/^event: guest$/gm)?.length, 2);
});

test('rejects an unknown kind and a malformed id', async (t) => {
  const { call } = await serveApi(t);
  t.like(await call('GET', '/events?kind=gust'), { status: 400 });
  t.like(await call('GET', '/events', undefined, { 'Last-Event-ID': 'x' }), { status: 400 });
});

test('buffers nothing for a client that does not read, and loses no event', async (t) => {
  const api = await serveApi(t);
  const controller = new AbortController();
  t.teardown(() => controller.abort());
  const response = await fetch(`${api.url}/events?after=0`, { signal: controller.signal });
  const guest = await addGuest(api.context);
  const filler = 'x'.repeat(2000);
  for (let n = 0; n < 3000; n += 1) {
    api.context.events.publish({ kind: 'image', change: 'fetched', id: `${n}-${filler}`, type: '' });
    if (n % 500 === 0) await delay(1);
  }
  const numbers: number[] = [];
  let text = '';
  for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += chunk;
    const events = text.split('\n\n');
    text = events.pop() ?? '';
    for (const event of events) {
      const [, number] = /"id":"(\d+)-x/.exec(event) ?? [];
      if (number !== undefined) numbers.push(Number(number));
    }
    if (numbers.at(-1) === 2999) break;
  }
  t.deepEqual(
    numbers,
    Array.from({ length: 3000 }, (_, n) => n),
  );
  t.truthy(guest);
  // Node.js cancels the body of a response that was collected before anybody reads it.
  t.is(response.status, 200);
});

test('forgets a client at once when it disconnects', async (t) => {
  const api = await serveApi(t);
  const controller = new AbortController();
  const { body } = await fetch(`${api.url}/events`, { signal: controller.signal });
  await body?.getReader().read();
  t.is(api.context.events.readers, 1);
  controller.abort();
  await until('it is forgotten', () => api.context.events.readers === 0);
  t.pass();
});

test('filters by several comma-separated guests', async (t) => {
  const api = await serveApi(t);
  const guests = [];
  for (let n = 0; n < 3; n += 1) guests.push((await addGuest(api.context)).id);
  const [first, , third] = guests;
  const { text } = await api.call('GET', `/events?after=0&limit=2&guest=${first},${third}`);
  t.deepEqual(text.match(/(?<="kind":"guest","change":"created","id":")[^"]+/g), [first, third]);
  t.like(await api.call('GET', `/events?guest=${first},web`), { status: 400 });
});
