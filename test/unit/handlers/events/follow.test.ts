import { text } from 'node:stream/consumers';
import test from 'ava';
import { followEvents } from '../../../../handlers/events/follow.js';
import { addGuest, event, startTestAgent } from '../../../helpers/agent.js';

const idsIn = (stream: string): string[] =>
  [...stream.matchAll(/"guest":\{"id":"([^"]+)"/g)].map(([, id]) => id ?? '');

test('streams events in the format of server-sent events', async (t) => {
  const { context } = await startTestAgent(t);
  const { id } = await addGuest(context);
  const { status, headers, body } = await followEvents(
    event({ query: { after: 0, kind: ['guest'], limit: 1 } }),
    context,
  );
  t.is(status, 200);
  t.like(headers, { 'Content-Type': 'text/event-stream', 'X-Last-Event-ID': '0' });
  const stream = await text(body);
  t.regex(stream, /^retry: 1000\n\nid: \d+\nevent: guest\ndata: \{.*\}\n\n$/);
  t.deepEqual(idsIn(stream), [id]);
});

test('resumes after the last event that the client received', async (t) => {
  const { context } = await startTestAgent(t);
  await addGuest(context);
  const query = { kind: ['guest' as const], limit: 1 };
  const first = await text((await followEvents(event({ query: { ...query, after: 0 } }), context)).body);
  const lastEventId = Number(/^id: (\d+)$/m.exec(first)?.[1]);
  const { id } = await addGuest(context);
  const second = await followEvents(event({ query, lastEventId }), context);
  t.deepEqual(idsIn(await text(second.body)), [id]);
});

test('sends only the events of the selected guests', async (t) => {
  const { context } = await startTestAgent(t);
  await addGuest(context);
  const { id } = await addGuest(context);
  const query = { after: 0, guest: [id], kind: ['guest' as const], limit: 1 };
  const { body } = await followEvents(event({ query }), context);
  t.deepEqual(idsIn(await text(body)), [id]);
});

test('ends the stream when the client disconnects', async (t) => {
  const { context } = await startTestAgent(t);
  const controller = new AbortController();
  const { body } = await followEvents(event({ signal: controller.signal }), context);
  controller.abort();
  t.is(await text(body), 'retry: 1000\n\n');
});

test('ends the stream with the error that waiting for the next event raised', async (t) => {
  const { context } = await startTestAgent(t);
  const { events } = context;
  const failing = Object.create(events, {
    wait: { value: () => Promise.reject(new Error('the log is gone')) },
    enter: { value: () => events.enter() },
    read: { value: (after: number) => events.read(after) },
    lastId: { get: () => events.lastId },
    requireRoom: { value: () => events.requireRoom() },
  });
  const { body } = await followEvents(event({ query: {} }), { ...context, events: failing });
  await t.throwsAsync(text(body), { message: 'the log is gone' });
});
