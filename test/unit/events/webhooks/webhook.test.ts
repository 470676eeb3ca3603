import { createHmac } from 'node:crypto';
import { appendFile, readdir, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { EventLog } from '../../../../lib/events/event-log.js';
import { Cursor, removeOtherCursors } from '../../../../lib/events/webhooks/cursor.js';
import { post } from '../../../../lib/events/webhooks/post.js';
import { readReceivers } from '../../../../lib/events/webhooks/receivers.js';
import { Webhook } from '../../../../lib/events/webhooks/webhook.js';
import { createGuard, type Resolve, unreachableIn } from '../../../../lib/http/guard.js';
import { Reachable } from '../../../../lib/http/reachable.js';
import type { Logger } from '../../../../lib/log.js';
import type { EventBody, EventFilter } from '../../../../lib/model/event.js';
import { NO_KEYS } from '../../../../lib/model/secrets.js';
import { keepLines } from '../../../helpers/log-lines.js';
import { loopbackGuard as guard } from '../../../helpers/loopback.js';
import { GUEST_ID, silentLog } from '../../../helpers/sub-agents.js';
import { tempDir } from '../../../helpers/temp.js';
import { until } from '../../../helpers/wait.js';
import { receiveWebhooks } from '../../../helpers/webhook-receiver.js';

// Guarantees: G33.

const SECRET = 'a secret of sixteen or more';

const image = (id: string): EventBody => ({ kind: 'image', change: 'fetched', id, type: '' });

const openLog = async (t: ExecutionContext, directory: string, maxBytes?: number): Promise<EventLog> => {
  const events = await EventLog.open(directory, silentLog, maxBytes);
  t.teardown(() => events.end());
  return events;
};

interface Running {
  url: string;
  directory: string;
  filter?: EventFilter;
  log?: Logger;
}

/** Posts events until the test ends or the returned function is called. */
const start = async (
  t: ExecutionContext,
  events: EventLog,
  { url, directory, filter = {}, log = silentLog }: Running,
): Promise<() => Promise<void>> => {
  const cursor = await Cursor.open(join(directory, 'webhooks'), url, events.lastId);
  const receiver = { url, secret: SECRET, guard };
  const webhook = new Webhook({
    ...{ receiver, filter, events, cursor, log },
    sealedNow: () => NO_KEYS,
    firstRetryMs: 5,
  });
  const stopping = new AbortController();
  const ended = webhook.run(stopping.signal);
  const stop = async (): Promise<void> => {
    stopping.abort();
    await ended;
  };
  t.teardown(stop);
  return stop;
};

test('posts events in order, with a signature over timestamp and body', async (t) => {
  const directory = await tempDir(t);
  const events = await openLog(t, directory);
  const receiver = await receiveWebhooks(t);
  await start(t, events, { url: receiver.url, directory });
  for (const id of ['a', 'b', 'c']) events.publish(image(id));
  await until('all are there', () => receiver.taken.length === 3);
  t.deepEqual(receiver.taken, ['a', 'b', 'c']);
  for (const { headers, text } of receiver.posted) {
    const timestamp = String(headers['x-mistify-timestamp']);
    const expected = createHmac('sha256', SECRET).update(`${timestamp}.${text}`).digest('hex');
    t.is(headers['x-mistify-signature'], `sha256=${expected}`);
    t.is(headers['content-type'], 'application/json');
  }
});

test('retries a failed event before posting the next', async (t) => {
  const directory = await tempDir(t);
  const events = await openLog(t, directory);
  let failures = 3;
  const receiver = await receiveWebhooks(t, () => {
    failures -= 1;
    return failures >= 0 ? 500 : 200;
  });
  await start(t, events, { url: receiver.url, directory });
  for (const id of ['a', 'b']) events.publish(image(id));
  await until('both are taken', () => receiver.taken.length === 2);
  t.deepEqual(
    receiver.posted.map(({ body }) => body.id),
    ['a', 'a', 'a', 'a', 'b'],
  );
});

test('skips an event that the receiver rejects with 422', async (t) => {
  const directory = await tempDir(t);
  const events = await openLog(t, directory);
  const receiver = await receiveWebhooks(t, ({ body }) => (body.id === 'bad' ? 422 : 200));
  await start(t, events, { url: receiver.url, directory });
  for (const id of ['bad', 'good']) events.publish(image(id));
  await until('the other one is taken', () => receiver.taken.length === 1);
  t.deepEqual(
    receiver.posted.map(({ body }) => body.id),
    ['bad', 'good'],
  );
});

test('does not follow redirects', async (t) => {
  const directory = await tempDir(t);
  const events = await openLog(t, directory);
  const elsewhere = await receiveWebhooks(t);
  const receiver = await receiveWebhooks(t, () => ({ location: elsewhere.url }));
  await start(t, events, { url: receiver.url, directory });
  events.publish(image('a'));
  await until('it was tried twice', () => receiver.posted.length === 2);
  t.deepEqual(elsewhere.posted, []);
});

test('filters by kind and guest', async (t) => {
  const directory = await tempDir(t);
  const events = await openLog(t, directory);
  const receiver = await receiveWebhooks(t);
  const filter: EventFilter = { kinds: ['guest'], guests: [GUEST_ID] };
  await start(t, events, { url: receiver.url, directory, filter });
  events.publish(image('a'));
  for (const id of ['another', GUEST_ID])
    events.publish({ kind: 'guest', change: 'changed', id, guest: { id } });
  await until('the one is there', () => receiver.taken.length === 1);
  t.deepEqual(receiver.taken, [GUEST_ID]);
});

test('starts with new events, and resumes at its cursor after a restart', async (t) => {
  const directory = await tempDir(t);
  const events = await openLog(t, directory);
  const receiver = await receiveWebhooks(t);
  events.publish(image('before'));
  const stop = await start(t, events, { url: receiver.url, directory });
  events.publish(image('first'));
  await until('the first is taken', () => receiver.taken.length === 1);
  await stop();
  events.publish(image('while it was down'));
  await events.end();
  const again = await openLog(t, directory);
  await start(t, again, { url: receiver.url, directory });
  again.publish(image('last'));
  await until('all are taken', () => receiver.taken.length === 3);
  t.deepEqual(receiver.taken, ['first', 'while it was down', 'last']);
});

test('posts a missed event to a receiver that was down longer than the log reaches back', async (t) => {
  const directory = await tempDir(t);
  const events = await openLog(t, directory, 64 * 1024);
  let isDown = true;
  const receiver = await receiveWebhooks(t, () => (isDown ? 503 : 200));
  await start(t, events, { url: receiver.url, directory });
  const long = 'x'.repeat(1000);
  events.publish(image('lost'));
  await until('it was tried', () => receiver.posted.length > 0);
  for (let n = 0; n < 3000; n += 1) {
    events.publish(image(`${n} ${long}`));
    if (n % 100 === 99) await events.written();
  }
  isDown = false;
  await until('the newest is taken', () => receiver.taken.at(-1)?.startsWith('2999 '));
  const accepted = receiver.posted.slice(-receiver.taken.length);
  const missed = accepted.find(({ body }) => body.kind === 'missed')?.body;
  t.true(missed !== undefined && Number(missed.before) > Number(missed.after));
  const numbers = accepted.map(({ body }) => body.event);
  t.deepEqual(
    numbers,
    [...numbers].sort((a, b) => a - b),
  );
});

test('posts a missed event after a crash of the agent', async (t) => {
  const directory = await tempDir(t);
  const events = await openLog(t, directory);
  const receiver = await receiveWebhooks(t);
  const stop = await start(t, events, { url: receiver.url, directory });
  events.publish(image('a'));
  await until('it is taken', () => receiver.taken.length === 1);
  await events.written();
  await stop();
  const again = await openLog(t, directory);
  await start(t, again, { url: receiver.url, directory });
  await until('it is posted', () => receiver.posted.length === 2);
  again.publish(image('b'));
  await until('the next one is taken', () => receiver.posted.length === 3);
  t.deepEqual(
    receiver.posted.map(({ body }) => body.kind),
    ['image', 'missed', 'image'],
  );
  t.is(receiver.posted[1]?.body.after, receiver.posted[0]?.body.event);
});

test('retries while the event log cannot be read', async (t) => {
  const directory = await tempDir(t);
  const earlier = await openLog(t, directory);
  const receiver = await receiveWebhooks(t);
  await (await start(t, earlier, { url: receiver.url, directory }))();
  earlier.publish(image('a'));
  await earlier.end();
  const events = await openLog(t, directory);
  const [path, elsewhere] = [join(directory, 'events.jsonl'), join(directory, 'elsewhere')];
  await rename(path, elsewhere);
  await symlink(directory, path);
  const { log, lines } = keepLines();
  await start(t, events, { url: receiver.url, directory, log });
  await until('it has tried', () => lines.length > 0);
  // Before the next read: a missing file would count as an empty log.
  await rename(elsewhere, path);
  await until('the event is taken', () => receiver.taken.length === 1);
  t.regex(String(lines[0]?.msg), /^webhook delivery failed, retrying: EISDIR/);
  t.deepEqual(receiver.taken, ['a']);
});

test("logs neither the secret nor a password in the receiver's URL", async (t) => {
  const directory = await tempDir(t);
  const events = await openLog(t, directory);
  const { log, lines } = keepLines();
  const receiver = await receiveWebhooks(t, () => 500);
  const url = `${receiver.url.replace('//', '//me:hidden-word@')}/path-that-is-secret`;
  await start(t, events, { url, directory, log });
  events.publish(image('a'));
  await until('a failure is logged', () => lines.length > 0);
  t.notRegex(JSON.stringify(lines), /hidden-word|path-that-is-secret|a secret of sixteen/);
  t.notRegex((await readdir(join(directory, 'webhooks'))).join(' '), /hidden-word|secret/);
});

test('repeats events when a crash left the cursor empty', async (t) => {
  const directory = await tempDir(t);
  const first = await Cursor.open(directory, 'http://a/', 7);
  t.is(first.after, 7);
  const [name = ''] = await readdir(directory);
  await writeFile(join(directory, name), '');
  t.is((await Cursor.open(directory, 'http://a/', 9)).after, 0);
});

test('removes the cursors of webhooks that are no longer in the config', async (t) => {
  const directory = await tempDir(t);
  await (await Cursor.open(directory, 'http://a/', 1)).save(5);
  await (await Cursor.open(directory, 'http://b/', 1)).save(6);
  await appendFile(join(directory, 'left-behind.json.new'), '');
  await removeOtherCursors(directory, ['http://b/']);
  t.is((await readdir(directory)).length, 1);
  t.is((await Cursor.open(directory, 'http://b/', 1)).after, 6);
});

test('posts to a receiver whose address is in the config, and not to a name that leads to a private one', async (t) => {
  const { url, posted } = await receiveWebhooks(t);
  const signal = new AbortController().signal;
  const webhooks = [{ url, secret: SECRET }];
  for (const [, receiver] of await readReceivers({ webhooks }, new Reachable()))
    await post(receiver, '{}', signal);
  t.is(posted.length, 1);
  const resolve: Resolve = (_name, _options, callback) =>
    callback(null, [{ address: '127.0.0.1', family: 4 }]);
  const named = { url: `http://hooks.example:${new URL(url).port}/`, secret: SECRET };
  const postTo = (reachable: Reachable): Promise<void> =>
    post({ ...named, guard: createGuard({ reachable, resolve }) }, '{}', signal);
  t.truthy(unreachableIn(await t.throwsAsync(postTo(new Reachable()))));
  t.is(posted.length, 1);
  await postTo(new Reachable(['127.0.0.1']));
  t.is(posted.length, 2);
});
