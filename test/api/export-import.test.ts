import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { MistifyClient } from '../../lib/client/index.js';
import { Refusal } from '../../lib/rpc/protocol/refusal.js';
import { DEFAULT_TIMEOUTS } from '../../lib/server/listener.js';
import { addGuest, finished } from '../helpers/agent.js';
import { serveApi } from '../helpers/api.js';
import { until } from '../helpers/wait.js';

const FILE = { method: 'POST', path: '/guests/import' } as const;

test('an export says what the file lacks, and how it is called', async (t) => {
  const { url, context, scripted } = await serveApi(t);
  const { id } = await addGuest(context, {
    ...{ state: 'running', vnc: 5901, memory: 64, pending: { memory: 128 } },
    cdroms: [{ device: 'cd0', image: 'netinst' }],
    metadata: { name: 'the web/1', 'sealed-keys': 'token', token: 'abcdefgh' },
  });
  const response = await fetch(`${url}/guests/${id}/export`);
  t.is(response.status, 200);
  t.is(response.headers.get('content-disposition'), 'attachment; filename="the-web-1.tar.zst"');
  t.is((await buffer(response.body ?? Readable.from([]))).toString(), 'the bytes of the disk');
  const client = new MistifyClient({ url });
  const { bytes, leftOut } = await client.guests.export(id, { format: 'ova' });
  bytes.resume();
  t.deepEqual(leftOut.slice(0, -1), [
    'secrets that no client may read: metadata.token',
    'the changes that wait for its next start',
    'the memory of the running guest: the guest boots',
    'the images in its CD drives: netinst',
    'its snapshots',
  ]);
  t.regex(leftOut.at(-1) ?? '', /^UEFI variables/);
  const [request] = scripted.requests('/download');
  t.like(request?.guest, { id, memory: 64, cdroms: [{ device: 'cd0', image: '' }] });
  t.deepEqual(Object.keys(request?.guest ?? {}).sort(), ['cdroms', 'id', 'memory', 'metadata']);
  t.false(JSON.stringify(request).includes('abcdefgh'));
});

test('a container has nothing to export', async (t) => {
  const { call, context } = await serveApi(t);
  const { id } = await addGuest(context, { type: 'container' });
  const { status, body } = await call('GET', `/guests/${id}/export`);
  t.is(status, 400);
  t.regex(String((body as { message: string }).message), /is a container, which has no disks to export/);
});

test('an import passes on bytes that are more, and take longer, than other bodies may', async (t) => {
  let size = 0;
  const timeouts = { ...DEFAULT_TIMEOUTS, headers: 300, request: 300, check: 50 };
  const upload = async (request: { guest: unknown }, bytes: Readable): Promise<object> => {
    for await (const chunk of bytes) size += chunk.length;
    return { guest: { id: request.guest, memory: 64 }, format: 'mistify', token: 'a', notes: ['lost'] };
  };
  const { url, context } = await serveApi(t, { upload }, timeouts);
  const slow = async function* (): AsyncGenerator<Buffer> {
    for (let n = 0; n < 4; n += 1) {
      yield Buffer.alloc(2 ** 20);
      await delay(200);
    }
  };
  const client = new MistifyClient({ url });
  const bytes = Readable.from(slow(), { objectMode: false });
  const { jobId, body } = await client.guests.import(bytes, { name: 'web' });
  t.is(size, 4 * 2 ** 20);
  t.like(body, { memory: 64, metadata: { name: 'web' } });
  t.is((await finished(context, jobId)).Status, 'Complete');
});

test('a refusal of the sub-agent reaches the client while it sends, with its status', async (t) => {
  const upload = async (_: unknown, bytes: Readable): Promise<object> => {
    for await (const _chunk of bytes) throw new Refusal('no_space', 'no room');
    return {};
  };
  const { url } = await serveApi(t, { upload });
  const endless = async function* (): AsyncGenerator<Buffer> {
    for (;;) yield Buffer.alloc(2 ** 16);
  };
  const bytes = Readable.from(endless(), { objectMode: false });
  const error = await t.throwsAsync(new MistifyClient({ url }).guests.import(bytes));
  t.like(error, { status: 507, message: 'no room' });
});

test('a guest that cannot be created is discarded by its token', async (t) => {
  const { url, context, scripted } = await serveApi(t);
  const { id } = await addGuest(context, { metadata: { name: 'web' } });
  const client = new MistifyClient({ url });
  const file = (): Readable => Readable.from([Buffer.from('file')], { objectMode: false });
  await t.throwsAsync(client.guests.import(file(), { name: 'web' }), { message: /has the name "web"/ });
  t.is(scripted.requests('/upload').length, 0, 'a name that is taken is refused before the upload');
  const upload = async (): Promise<object> => ({ guest: { id }, format: 'ova', token: 'mine', notes: [] });
  const other = await serveApi(t, { upload });
  const taken = await addGuest(other.context, { id });
  t.is(taken.id, id);
  const error = await t.throwsAsync(new MistifyClient({ url: other.url }).guests.import(file()));
  t.like(error, { status: 409 });
  t.deepEqual(other.scripted.requests('Test.discardImport'), [{ guest: id, token: 'mine' }] as never);
});

test('an import that this host cannot run leaves no guest, and its disks are discarded', async (t) => {
  const { url, context, scripted } = await serveApi(t, {
    methods: {
      'Test.CheckGuest': () => {
        throw new Refusal('invalid', 'unknown machine type');
      },
    },
    actions: { importGuest: [{ check: 'Test.CheckGuest' }] },
  });
  const file = Readable.from([Buffer.from('file')], { objectMode: false });
  const error = await t.throwsAsync(new MistifyClient({ url }).guests.import(file));
  t.like(error, { status: 400 });
  t.regex(error?.message ?? '', /unknown machine type/);
  t.deepEqual([context.guests.list(), context.jobs.list()], [[], []]);
  t.is(scripted.requests('Test.discardImport').length, 1);
});

test('disconnects a client that sends no byte for too long', async (t) => {
  const { url } = await serveApi(t, {}, { ...DEFAULT_TIMEOUTS, stall: 300 });
  const silent = new PassThrough();
  silent.write('a');
  const error = await t.throwsAsync(new MistifyClient({ url, retries: 0 }).guests.import(silent));
  t.regex(error?.message ?? '', /cannot reach the agent/);
});

test('the same key gives the same guest, and another length does not', async (t) => {
  const { url, scripted } = await serveApi(t);
  const send = (body: string): Promise<Response> =>
    fetch(`${url}${FILE.path}?name=web`, {
      ...{ method: FILE.method, body },
      headers: { 'Idempotency-Key': 'one', 'Content-Type': 'application/octet-stream' },
    });
  const first = (await (await send('file')).json()) as { id: string };
  const again = (await (await send('file')).json()) as { id: string };
  t.is(again.id, first.id);
  t.is(scripted.requests('/upload').length, 1);
  t.is((await send('another file')).status, 409);
  await until('the connection is free for others', async () => (await fetch(`${url}/guests`)).status === 200);
});

test('rejects a dry run of an import', async (t) => {
  const { url } = await serveApi(t);
  const response = await fetch(`${url}${FILE.path}?dryRun=true`, { method: 'POST', body: 'x'.repeat(100) });
  t.is(response.status, 400);
  t.regex(await response.text(), /no dry run/);
});
