import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { startTestAgent } from '../helpers/agent.js';
import { serveApi } from '../helpers/api.js';
import { tempDir } from '../helpers/temp.js';
import { until } from '../helpers/wait.js';
import { receiveWebhooks } from '../helpers/webhook-receiver.js';

// Guarantees: G33.

const SECRET = 'sixteen-characters-and-more';

test("notifies a webhook of a guest's creation and of its job until it ends", async (t) => {
  const receiver = await receiveWebhooks(t);
  const webhooks = [{ url: receiver.url, secret: SECRET, kinds: ['guest' as const, 'job' as const] }];
  const api = await serveApi(t, { events: { webhooks } });
  const { jobId } = await api.call('POST', '/guests?wait=30', { memory: 64 });
  const changesOf = (kind: string): string[] =>
    receiver.posted.filter(({ body }) => body.kind === kind).map(({ body }) => `${body.change}`);
  await until('the end is reported', () => changesOf('job').includes('ended'));
  t.is(changesOf('guest')[0], 'created');
  t.is(changesOf('job')[0], 'queued');
  t.is(receiver.posted.find(({ body }) => body.kind === 'job')?.body.id, jobId ?? '');
});

test('resumes webhooks after a restart without repeating or skipping events', async (t) => {
  const receiver = await receiveWebhooks(t);
  const dbpath = await tempDir(t);
  const options = { dbpath, events: { webhooks: [{ url: receiver.url, secret: SECRET }] } };
  const first = await startTestAgent(t, options);
  first.context.events.publish({ kind: 'image', change: 'fetched', id: 'before', type: '' });
  await until('it is reported', () => receiver.taken.includes('before'));
  await first.drain(1000);
  await first.stop();
  const second = await startTestAgent(t, options);
  second.context.events.publish({ kind: 'image', change: 'fetched', id: 'after', type: '' });
  await until('it is reported', () => receiver.taken.includes('after'));
  t.is(receiver.taken.filter((id) => id === 'before').length, 1);
});

test('refuses to start with a webhook secret that others can read', async (t) => {
  const file = join(await tempDir(t), 'webhook.secret');
  await writeFile(file, SECRET);
  await chmod(file, 0o644);
  const events = { webhooks: [{ url: 'http://127.0.0.1:1/', secret_file: file }] };
  const error = await t.throwsAsync(startTestAgent(t, { events }));
  t.regex(error?.message ?? '', /^events\.webhooks\[0\]\.secret_file: .*can be read by others/);
});
