import type { RequestListener } from 'node:http';
import test, { type ExecutionContext } from 'ava';
import { addGuest } from '../helpers/agent.js';
import { serveApi } from '../helpers/api.js';
import { serveRaw, serveTcp } from '../helpers/raw-service.js';

/** Sets up an agent that downloads from the service on a port. */
const downloadFrom = async (t: ExecutionContext, port: number): Promise<() => Promise<Response>> => {
  const { url, context } = await serveApi(t, {
    services: { bad: { port, path: '/download' } },
    actions: { downloadSnapshot: [{ service: 'bad' }] },
  });
  const { id } = await addGuest(context);
  return () => fetch(`${url}/guests/${id}/snapshots/monday/download`);
};

const download = async (t: ExecutionContext, reply: RequestListener): Promise<Response> =>
  (await downloadFrom(t, await serveRaw(t, reply)))();

test('passes on an empty download', async (t) => {
  const response = await download(t, (_, reply) => {
    reply.writeHead(200, { 'Content-Length': 0 }).end();
  });
  t.is(response.status, 200);
  t.is(response.headers.get('content-length'), '0');
  t.is(await response.text(), '');
});

test("keeps the sub-agent's own headers from the client", async (t) => {
  const response = await download(t, (_, reply) => {
    reply.writeHead(200, { 'Set-Cookie': 'a=b', 'Content-Encoding': 'gzip', 'X-Of-Its-Own': '1' });
    reply.end('bytes');
  });
  t.is(await response.text(), 'bytes');
  for (const name of ['set-cookie', 'content-encoding', 'x-of-its-own'])
    t.is(response.headers.get(name), null);
});

/** Downloads from a service whose first response is the given one and whose later ones are fine. */
const downloadTwice = async (t: ExecutionContext, first: string): Promise<() => Promise<string>> => {
  let downloads = 0;
  const port = await serveTcp(t, (socket) => {
    socket.on('data', () =>
      socket.write(`HTTP/1.1 200 OK\r\n${downloads === 1 ? first : 'Content-Length: 5\r\n\r\nbytes'}`),
    );
  });
  const again = await downloadFrom(t, port);
  return async () => {
    downloads += 1;
    return (await again()).text();
  };
};

test('drops bytes beyond the announced length, which never reach the next download', async (t) => {
  const again = await downloadTwice(t, 'Content-Length: 3\r\n\r\nabcdef');
  t.is(await again(), 'abc');
  t.is(await again(), 'bytes');
});

test('breaks off a download with a malformed chunk, and serves the next one', async (t) => {
  const again = await downloadTwice(t, 'Transfer-Encoding: chunked\r\n\r\n3\r\nabcXX');
  await t.throwsAsync(again(), { any: true });
  t.is(await again(), 'bytes');
});

test('passes on the status and the partial message of a refusal that breaks off', async (t) => {
  const response = await download(t, (_, reply) => {
    reply.writeHead(409, { 'Content-Length': 100 }).write('it is locked', () => reply.destroy());
  });
  t.is(response.status, 409);
  t.like(await response.json(), { code: 409, message: 'it is locked' });
});

test('passes on a refusal that never ends, once a time limit has passed', async (t) => {
  const response = await download(t, (_, reply) => {
    reply.writeHead(409, { 'Content-Length': 100 }).write('it is locked');
  });
  t.is(response.status, 409);
  t.like(await response.json(), { code: 409, message: 'it is locked' });
});

test('truncates the message of a very long refusal', async (t) => {
  const response = await download(t, (_, reply) => {
    reply.writeHead(500).end('word '.repeat(1_000_000));
  });
  t.is(response.status, 500);
  const { message } = (await response.json()) as { message: string };
  t.is(message, 'word '.repeat(200).trim());
});
