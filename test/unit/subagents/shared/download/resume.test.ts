import { createHash, randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import test from 'ava';
import { Refusal } from '../../../../../lib/rpc/protocol/refusal.js';
import { openHttp } from '../../../../../lib/subagents/shared/download/resume.js';
import { SourceError } from '../../../../../lib/subagents/shared/download/source-error.js';
import { serveFile } from '../../../../helpers/file-server.js';
import { loopbackGuard as guard } from '../../../../helpers/loopback.js';
import { serveHttp } from '../../../../helpers/storage.js';

const FILE = randomBytes(300_000);
const QUICK = { guard, backoffMs: 1 };

const fetchAll = async (url: string): Promise<Buffer> =>
  buffer((await openHttp(new URL(`${url}/x?token=secret`), QUICK)).bytes);

const sum = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

const BROKEN = { instanceOf: SourceError, message: /broke/ };

test('resumes a broken connection at the byte where it broke', async (t) => {
  const { url, requests } = await serveFile(t, FILE, { breakAt: [100_000, 50_000] });
  t.is(sum(await fetchAll(url)), sum(FILE));
  t.deepEqual(
    requests.map(({ headers }) => headers.range),
    [undefined, 'bytes=100000-', 'bytes=150000-'],
  );
});

test('retries a connection that breaks before the first byte', async (t) => {
  const { url } = await serveFile(t, FILE, { breakAt: [0] });
  t.is(sum(await fetchAll(url)), sum(FILE));
});

test('requests the rest when the server sends a shorter range than requested', async (t) => {
  for (const length of [10, undefined]) {
    const ranges: (string | undefined)[] = [];
    const url = await serveHttp(t, ({ headers }, response) => {
      const number = ranges.push(headers.range);
      if (number === 1) {
        response.writeHead(200, { etag: '"1"', ...(length ? { 'content-length': length } : {}) });
        response.write('01234', () => response.socket?.end());
      } else if (number === 2) response.writeHead(206, { 'content-range': 'bytes 5-7/10' }).end('567');
      else response.writeHead(206, { 'content-range': 'bytes 8-9/10' }).end('89');
    });
    t.is((await fetchAll(url)).toString(), '0123456789');
    t.deepEqual(ranges, [undefined, 'bytes=5-', 'bytes=8-']);
  }
});

test('rejects a 206 response to a request without a range', async (t) => {
  const url = await serveHttp(t, (_, response) => {
    response.writeHead(206, { 'content-range': 'bytes 0-4/10' }).end('01234');
  });
  const error = await t.throwsAsync(fetchAll(url), {
    instanceOf: Refusal,
    message: /to a request without a range/,
  });
  t.is(error.kind, 'invalid');
});

test('starts over when the file has changed since', async (t) => {
  const { url } = await serveFile(t, FILE, { breakAt: [100_000], etags: ['"1"', '"2"'] });
  const error = await t.throwsAsync(fetchAll(url), {
    instanceOf: SourceError,
    message: /has changed since$/,
  });
  t.is(error.failure, 'start-over');
});

test('starts over when the server has no strong validator or no usable ranges', async (t) => {
  for (const options of [
    { etags: [''] },
    { etags: ['W/"1"'] },
    { ranges: false },
    { headers: { 'accept-ranges': 'none' } },
    { headers: { 'content-range': `bytes 0-1/${FILE.length}` } },
    { headers: { 'content-range': `bytes 100000-${FILE.length}/${FILE.length + 1}` } },
  ]) {
    const { url } = await serveFile(t, FILE, { breakAt: [100_000], ...options });
    const error = await t.throwsAsync(fetchAll(url), BROKEN);
    t.is((error as SourceError).failure, 'start-over', JSON.stringify(options));
  }
});

test('resumes with a Last-Modified that is old enough, and starts over with a fresh one', async (t) => {
  for (const [seconds, failure] of [
    [60, undefined],
    [0, 'start-over'],
  ] as const) {
    const now = Date.now();
    const modified = new Date(now - seconds * 1000).toUTCString();
    let requests = 0;
    const url = await serveHttp(t, (request, response) => {
      requests += 1;
      const headers = { 'last-modified': modified, date: new Date(now).toUTCString() };
      if (requests === 1) {
        response.writeHead(200, { ...headers, 'content-length': 10 });
        response.write('01234', () => response.socket?.end());
        return;
      }
      t.is(request.headers['if-range'], modified);
      response.writeHead(206, { ...headers, 'content-range': 'bytes 5-9/10' }).end('56789');
    });
    const outcome = await fetchAll(url).catch((error: SourceError) => error.failure);
    t.is(String(outcome), failure ?? '0123456789');
  }
});

test('gives up on a server that keeps breaking off, without secrets in the error', async (t) => {
  const { url, requests } = await serveFile(t, FILE, { breakAt: Array(20).fill(10) });
  const error = await t.throwsAsync(fetchAll(url), { instanceOf: SourceError });
  t.is(error.failure, 'interrupted');
  t.regex(error.message, /\/x broke: /);
  t.is(requests.length, 7);
});

test('fails at once when the file is gone at the retry', async (t) => {
  let requests = 0;
  const url = await serveHttp(t, (_, response) => {
    requests += 1;
    if (requests > 1) return void response.writeHead(404).end();
    response.writeHead(200, { etag: '"1"', 'content-length': 10 });
    response.write('01234', () => response.socket?.end());
  });
  await t.throwsAsync(fetchAll(url), { message: /the server responded 404$/ });
  t.is(requests, 2);
});

test('retries when the server is busy at the retry', async (t) => {
  let requests = 0;
  const url = await serveHttp(t, (_, response) => {
    requests += 1;
    if (requests === 2) return void response.writeHead(503).end();
    if (requests === 3) return void response.writeHead(206, { 'content-range': 'bytes 5-9/10' }).end('56789');
    response.writeHead(200, { etag: '"1"', 'content-length': 10 });
    response.write('01234', () => response.socket?.end());
  });
  t.is((await fetchAll(url)).toString(), '0123456789');
});

test('aborts the wait before a retry', async (t) => {
  const { url } = await serveFile(t, FILE, { breakAt: Array(20).fill(10) });
  const controller = new AbortController();
  const { bytes } = await openHttp(new URL(url), {
    guard,
    backoffMs: 60_000,
    signal: controller.signal,
    onInterruption: () => setImmediate(() => controller.abort(new Error('cancelled'))),
  });
  await t.throwsAsync(buffer(bytes));
});
