import type { IncomingMessage, ServerResponse } from 'node:http';
import test, { type ExecutionContext } from 'ava';
import { type AgentEvent, type EventsOptions, MistifyClient } from '../../../lib/client/index.js';
import { serveRaw } from '../../helpers/raw-service.js';

type Connection = (response: ServerResponse, request: IncomingMessage) => void;

const streaming =
  (...parts: string[]): Connection =>
  (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const part of parts) response.write(part);
  };

const broken =
  (...parts: string[]): Connection =>
  (response, request) => {
    streaming(...parts)(response, request);
    response.write('retry: 1\n\n', () => response.socket?.destroySoon());
  };

/** Serves event streams, one connection after the other. */
const scripted = async (t: ExecutionContext, ...connections: Connection[]) => {
  const requests: IncomingMessage[] = [];
  const port = await serveRaw(t, (request, response) => {
    requests.push(request);
    connections[requests.length - 1]?.(response, request);
  });
  return { requests, client: new MistifyClient({ url: `http://127.0.0.1:${port}`, retries: 0 }) };
};

const take = async (client: MistifyClient, count: number, options?: EventsOptions): Promise<AgentEvent[]> => {
  const events: AgentEvent[] = [];
  for await (const event of client.events(options)) {
    events.push(event);
    if (events.length === count) break;
  }
  return events;
};

const event = (id: number, data: unknown): string =>
  `id: ${id}\nevent: guest\ndata: ${JSON.stringify(data)}\n\n`;

test('yields events with ID, kind and data', async (t) => {
  const { client } = await scripted(t, streaming(': alive\n\n', event(1, { a: 1 }), event(2, { a: 'ü' })));
  t.deepEqual(await take(client, 2), [
    { id: '1', event: 'guest', data: { a: 1 } },
    { id: '2', event: 'guest', data: { a: 'ü' } },
  ]);
});

test('joins an event that arrives in pieces', async (t) => {
  const text = event(1, { name: 'long enough' });
  const { client } = await scripted(t, streaming(text.slice(0, 20), text.slice(20)));
  t.like(await take(client, 1), [{ data: { name: 'long enough' } }]);
});

test('sends the filter and the last event ID', async (t) => {
  const { client, requests } = await scripted(t, streaming(event(8, {})));
  await take(client, 1, { guest: 'g', kind: 'job', lastEventId: '7' });
  t.is(requests[0]?.url, '/events?guest=g&kind=job');
  t.like(requests[0]?.headers, { accept: 'text/event-stream', 'last-event-id': '7' });
});

test('resumes after a broken connection', async (t) => {
  const { client, requests } = await scripted(
    t,
    broken(event(1, {}), event(2, {})),
    broken(),
    streaming(event(3, {})),
  );
  let breaks = 0;
  const events = await take(client, 3, {
    onBroken: () => {
      breaks += 1;
    },
  });
  t.deepEqual(
    events.map(({ id }) => id),
    ['1', '2', '3'],
  );
  t.is(breaks, 2);
  t.deepEqual(
    requests.map(({ headers }) => headers['last-event-id']),
    [undefined, '2', '2'],
  );
});

test('resumes from X-Last-Event-ID if the connection breaks before the first event', async (t) => {
  const { client, requests } = await scripted(
    t,
    (response, request) => {
      response.setHeader('X-Last-Event-ID', '7');
      broken()(response, request);
    },
    streaming(event(8, {})),
  );
  t.like(await take(client, 1), [{ id: '8' }]);
  t.is(requests[1]?.headers['last-event-id'], '7');
});

test('reconnects until a stopping agent is back', async (t) => {
  const { client } = await scripted(
    t,
    broken(event(1, {})),
    (response) => response.writeHead(503).end('{"message": "the agent is stopping"}'),
    streaming(event(2, {})),
  );
  t.is((await take(client, 2)).length, 2);
});

test('throws when the agent refuses to reconnect', async (t) => {
  const refused: Connection = (response) => response.writeHead(401).end('{"message": "token required"}');
  const { client } = await scripted(t, broken(event(1, {})), refused);
  t.like(await t.throwsAsync(take(client, 2)), { status: 401, message: 'token required' });
});

test('ends when the signal aborts', async (t) => {
  const { client } = await scripted(t, streaming(event(1, {})));
  const controller = new AbortController();
  const ids: string[] = [];
  for await (const { id } of client.events({ signal: controller.signal })) {
    ids.push(id);
    controller.abort();
  }
  t.deepEqual(ids, ['1']);
});

test('throws on an event that is not JSON', async (t) => {
  const { client } = await scripted(t, streaming('data: {\n\n'));
  await t.throwsAsync(take(client, 1), { message: /an event that is not JSON: \{/ });
});
