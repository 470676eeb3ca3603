import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import test from 'ava';
import type { ReceiveImageRequest } from '../../lib/rpc/protocol/upload-messages.js';
import { finished } from '../helpers/agent.js';
import { serveApi } from '../helpers/api.js';

const expires = '2026-02-01T12:00:00.000Z';

/** Answers as a storage does that has nothing before the piece. */
const receive = async (request: object, bytes: Readable): Promise<object> => {
  const { id, offset, size } = request as ReceiveImageRequest;
  return { upload: { id, size, received: offset + (await buffer(bytes)).length, expires } };
};

const put = (url: string, body: string, range?: string): Promise<Response> =>
  fetch(url, { method: 'PUT', body, headers: range === undefined ? {} : { 'Content-Range': range } });

test('a piece of an image is passed on, and the last one queues the job that checks the file', async (t) => {
  const { url, context, scripted } = await serveApi(t, { upload: receive });
  const first = await put(`${url}/images/tiny`, 'abcd', 'bytes 0-3/10');
  t.is(first.status, 200);
  t.deepEqual(await first.json(), { images: [], upload: { id: 'tiny', size: 10, received: 4, expires } });
  const sha256 = 'a'.repeat(64);
  const last = await put(`${url}/images/tiny?sha256=${sha256}`, 'efghij', 'bytes 4-9/10');
  t.is(last.status, 202);
  const jobId = last.headers.get('x-guest-job-id') ?? '';
  t.like(await finished(context, jobId), { Action: 'fetchImage', Status: 'Complete' });
  t.like(scripted.requests('Test.fetchImage')[0], { id: 'tiny', sha256, upload: true });
  t.deepEqual(scripted.requests('/upload') as object[], [
    { id: 'tiny', offset: 0, size: 10, refresh: false },
    { id: 'tiny', offset: 4, size: 10, refresh: false },
  ]);
});

test('a range that does not fit the body is refused before the storage sees a byte', async (t) => {
  const { url, scripted } = await serveApi(t, { upload: receive });
  for (const range of ['bytes 0-8/10', 'bytes 0-3', 'bytes 8-11/10']) {
    const response = await put(`${url}/images/tiny`, 'abcd', range);
    t.is(response.status, 400, range);
    t.regex(((await response.json()) as Error).message, /Content-Range/);
  }
  t.is(scripted.requests('/upload').length, 0);
});

test('says how much of an upload is there', async (t) => {
  const { call } = await serveApi(t);
  const { status, body } = await call('GET', '/images/tiny/upload');
  t.is(status, 200);
  t.deepEqual(body, { id: 'tiny', size: 10, received: 4, expires });
  t.is((await call('DELETE', '/images/tiny/upload')).status, 200);
});

test('downloads an image, from a byte on too', async (t) => {
  const part = { format: 'qcow2', from: 4, etag: '"one"' } as const;
  const { url, scripted } = await serveApi(t, { downloadLength: 21, downloadPart: part });
  const headers = { Range: 'bytes=4-', 'If-Range': '"one"' };
  const rest = await fetch(`${url}/images/tiny/download`, { headers });
  t.is(rest.status, 206);
  t.is(rest.headers.get('content-range'), 'bytes 4-24/25');
  t.is(rest.headers.get('accept-ranges'), 'bytes');
  t.is(rest.headers.get('etag'), '"one"');
  t.is(await rest.text(), 'the bytes of the disk');
  await (await fetch(`${url}/images/tiny/download`)).text();
  t.deepEqual(scripted.requests('/download'), [
    { id: 'tiny', from: 4, ifRange: '"one"' } as never,
    { id: 'tiny' } as never,
  ]);
});
