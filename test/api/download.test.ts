import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { Refusal } from '../../lib/rpc/protocol/refusal.js';
import { DEFAULT_TIMEOUTS } from '../../lib/server/listener.js';
import { addGuest, type TestAgentOptions } from '../helpers/agent.js';
import { type Api, serveApi } from '../helpers/api.js';
import { serveFixed } from '../helpers/raw-service.js';
import { gate, until } from '../helpers/wait.js';

const ID = '7d3c8f0e-52c1-4c29-9c58-1f1f6d3a2b10';
const PATH = `/guests/${ID}/snapshots/monday/download`;

/** Downloads from a raw service instead of the scripted sub-agent. */
const rawDownload = (port: number): TestAgentOptions => ({
  services: { raw: { port } },
  actions: { downloadSnapshot: [{ service: 'raw' }] },
});

const withGuest = async (t: ExecutionContext, options: TestAgentOptions = {}): Promise<Api> => {
  const api = await serveApi(t, options);
  await addGuest(api.context, { id: ID });
  return api;
};

test('passes the bytes of a snapshot through', async (t) => {
  const { call, scripted } = await withGuest(t);
  const { status, headers, text, jobId } = await call('GET', PATH);
  t.is(status, 200);
  t.is(headers.get('content-type'), 'application/octet-stream');
  t.is(text, 'the bytes of the disk');
  t.truthy(jobId);
  t.deepEqual(scripted.calls, [
    {
      method: '/download',
      request: { id: `guests/${ID}@monday`, dest: '', recursive: true, destroyMoreRecent: false } as never,
    },
  ]);
});

test('asks for the format and the part that the client wants', async (t) => {
  const downloadPart = { format: 'qcow2', from: 8, etag: '"one"' } as const;
  const { call, url, scripted } = await withGuest(t, { downloadLength: 21, downloadPart });
  const headers = { Range: 'bytes=8-', 'If-Range': '"one"' };
  const response = await fetch(`${url}${PATH}?format=qcow2`, { headers });
  t.is(response.status, 206);
  t.is(response.headers.get('content-range'), 'bytes 8-28/29');
  t.is(response.headers.get('etag'), '"one"');
  t.is(await response.text(), 'the bytes of the disk');
  t.like(scripted.requests('/download')[0], { format: 'qcow2', from: 8, ifRange: '"one"' });
  const { status, body } = await call('GET', `${PATH}?format=vmdk`);
  t.is(status, 400);
  t.regex((body as { message: string }).message, /raw, qcow2, zstd/);
});

test('sends all bytes of a compressed disk, whatever range the client wants', async (t) => {
  const { url, scripted } = await withGuest(t, { downloadPart: { format: 'zstd', from: 0 } });
  const response = await fetch(`${url}${PATH}?format=zstd`, { headers: { Range: 'bytes=8-' } });
  t.is(response.status, 200);
  t.is(response.headers.get('content-type'), 'application/zstd');
  t.is(response.headers.get('accept-ranges'), 'none');
  await response.text();
  t.false('from' in (scripted.requests('/download')[0] ?? {}));
});

test('rejects a format that the sub-agent does not send', async (t) => {
  const { call } = await withGuest(t);
  const { status, body } = await call('GET', `${PATH}?format=qcow2`);
  t.is(status, 400);
  t.regex((body as { message: string }).message, /does not send the format qcow2: leave "format" out/);
  t.is((await call('GET', `${PATH}?format=raw`)).status, 200);
});

test('passes on the length that a sub-agent announces', async (t) => {
  const { call } = await withGuest(t, { downloadLength: 21 });
  const { headers, text } = await call('GET', PATH);
  t.is(headers.get('content-length'), '21');
  t.is(text, 'the bytes of the disk');
});

test('sends no Content-Length for a download of unknown length', async (t) => {
  const { call } = await withGuest(t);
  const { headers, text } = await call('GET', PATH);
  t.is(headers.get('content-length'), null);
  t.is(text, 'the bytes of the disk');
});

test('breaks off a download that is shorter than announced', async (t) => {
  const source = new PassThrough();
  const { url } = await withGuest(t, { download: () => source, downloadLength: 2 });
  source.write('x');
  const response = await fetch(`${url}${PATH}`);
  source.end();
  await t.throwsAsync(response.text(), { any: true });
});

test('passes bytes on as they arrive', async (t) => {
  const source = new PassThrough();
  const { url } = await withGuest(t, { download: () => source });
  source.write('first');
  const response = await fetch(`${url}${PATH}`);
  const reader = response.body?.getReader();
  t.is(Buffer.from((await reader?.read())?.value ?? []).toString(), 'first');
  source.end('second');
  t.is(Buffer.from((await reader?.read())?.value ?? []).toString(), 'second');
});

test('transfers 8 MB whole and uncompressed', async (t) => {
  const bytes = Buffer.alloc(8 * 1024 * 1024, 'abcdefg');
  const { url } = await withGuest(t, { download: () => new PassThrough().end(bytes) });
  const response = await fetch(`${url}${PATH}`, { headers: { 'accept-encoding': 'gzip' } });
  t.is(response.headers.get('content-encoding'), null);
  t.true(Buffer.from(await response.arrayBuffer()).equals(bytes));
});

const FAILURES: [status: number, failure: Error][] = [
  [400, new Refusal('invalid', 'snapshot monday: not that way')],
  [404, new Refusal('not_found', 'snapshot monday: not that way')],
  [409, new Refusal('conflict', 'snapshot monday: not that way')],
  [500, new Error('snapshot monday: not that way')],
];

for (const [status, failure] of FAILURES)
  test(`passes on a sub-agent's refusal with ${status}, in the shape of every error`, async (t) => {
    const { call } = await withGuest(t, {
      download: () => {
        throw failure;
      },
    });
    const { body, ...response } = await call('GET', PATH);
    t.is(response.status, status);
    t.truthy(response.jobId);
    t.deepEqual(body, { message: 'snapshot monday: not that way', code: status, stack: [] } as object);
  });

for (const status of [204, 302, 600])
  test(`responds with 502 when a sub-agent's status is ${status}, and names the status`, async (t) => {
    const port = await serveFixed(t, status, status === 204 ? '' : 'look elsewhere');
    const { call } = await withGuest(t, rawDownload(port));
    const { body, ...response } = await call('GET', PATH);
    t.is(response.status, 502);
    t.like(body, { code: 502, stack: [] });
    t.regex((body as { message: string }).message, new RegExp(`status ${status}`));
  });

test('passes on a refusal without a message, and names its status', async (t) => {
  const port = await serveFixed(t, 409, '');
  const { call } = await withGuest(t, rawDownload(port));
  const { status, body } = await call('GET', PATH);
  t.is(status, 409);
  t.regex((body as { message: string }).message, /status 409/);
});

test('runs at most 5 downloads of a guest at a time and queues the next', async (t) => {
  const sources: PassThrough[] = [];
  const { url, scripted } = await withGuest(t, {
    service: { max_pending: 8 },
    download: () => {
      const source = new PassThrough();
      sources.push(source);
      source.write('x');
      return source;
    },
  });
  const downloads = Array.from({ length: 6 }, () => fetch(`${url}${PATH}`).then((r) => r.text()));
  await until('five have started', () => sources.length === 5);
  await new Promise((resolve) => setTimeout(resolve, 50));
  t.is(scripted.requests('/download').length, 5);
  sources[0]?.end();
  await until('the sixth has started', () => sources.length === 6);
  for (const source of sources) source.end();
  t.deepEqual(await Promise.all(downloads), Array(6).fill('x'));
});

test('counts a download as a call of its service until it ends, and lets the next wait without a time limit', async (t) => {
  const sources: PassThrough[] = [];
  const { url } = await withGuest(t, {
    service: { max_pending: 1 },
    actions: { downloadSnapshot: [{ service: 'download', timeout: 1 }] },
    download: () => {
      const source = new PassThrough();
      sources.push(source);
      source.write('x');
      return source;
    },
  });
  const downloads = Array.from({ length: 2 }, () => fetch(`${url}${PATH}`).then((r) => r.text()));
  await until('one has started', () => sources.length === 1);
  await new Promise((resolve) => setTimeout(resolve, 1200));
  t.is(sources.length, 1);
  sources[0]?.end();
  await until('the other has started', () => sources.length === 2);
  sources[1]?.end();
  t.deepEqual(await Promise.all(downloads), ['x', 'x']);
});

test('ends the download of a client that disconnects, and frees its place', async (t) => {
  const ended = gate();
  const { url, call } = await withGuest(t, {
    service: { max_pending: 8 },
    download: (_request, { signal }) => {
      signal.addEventListener('abort', ended.open);
      const source = new PassThrough();
      source.write('x');
      return source;
    },
  });
  const controllers = Array.from({ length: 5 }, () => new AbortController());
  for (const { signal } of controllers) await fetch(`${url}${PATH}`, { signal });
  for (const controller of controllers) controller.abort();
  await ended.opened;
  t.is((await call('GET', `/guests/${ID}`)).status, 200);
  const next = new AbortController();
  t.is((await fetch(`${url}${PATH}`, { signal: next.signal })).status, 200);
  next.abort();
});

test('responds to HEAD without leaving a download open', async (t) => {
  const { url, call } = await withGuest(t);
  for (let count = 0; count < 6; count++) {
    const head = request(`${url}${PATH}`, { method: 'HEAD', agent: false }).end();
    const [response] = await once(head, 'response');
    t.is(response.statusCode, 200);
    response.resume();
  }
  t.is((await call('GET', PATH)).text, 'the bytes of the disk');
});

test('breaks off the response when the download breaks off', async (t) => {
  const source = new PassThrough();
  const { url } = await withGuest(t, { download: () => source });
  source.write('x');
  const response = await fetch(`${url}${PATH}`);
  source.destroy(new Error('the disk broke'));
  await t.throwsAsync(response.text(), { any: true });
});

test('disconnects a client that stops reading', async (t) => {
  const gone = gate();
  const { url, context } = await serveApi(
    t,
    {
      download: () =>
        new Readable({
          read() {
            this.push(Buffer.alloc(64 * 1024));
          },
        }).once('close', gone.open),
    },
    { ...DEFAULT_TIMEOUTS, stall: 300 },
  );
  await addGuest(context, { id: ID });
  const stalled = request(`${url}${PATH}`, (response) => response.pause());
  stalled.on('error', () => {});
  stalled.end();
  await gone.opened;
  t.pass();
});

test('waits for a slow response that follows a stream on the same connection', async (t) => {
  const { url, context } = await serveApi(
    t,
    { methods: { 'Test.cpuMetrics': () => delay(2500, { type: 'cpu', cpu: [] }) } },
    { ...DEFAULT_TIMEOUTS, stall: 1500 },
  );
  await addGuest(context, { id: ID });
  const { port, host } = new URL(url);
  const socket = connect(Number(port));
  const head = `Host: ${host}\r\n`;
  socket.write(`GET ${PATH} HTTP/1.1\r\n${head}\r\n`);
  socket.write(`GET /guests/${ID}/metrics/cpu HTTP/1.1\r\n${head}Connection: close\r\n\r\n`);
  const responses = await text(socket);
  t.is(responses.match(/HTTP\/1\.1 200 OK/g)?.length, 2);
});
