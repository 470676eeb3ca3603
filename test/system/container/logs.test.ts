import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import ava from 'ava';
import type { LogsQuery } from '../../../lib/model/guest-logs.js';
import { newGuest, SharedEngine } from '../../helpers/containers.js';
import { needsEngine as test } from '../../helpers/engines/chosen.js';
import { until } from '../../helpers/wait.js';

const shared = new SharedEngine();
ava.after.always(() => shared.stop());

const open = async (port: number, guest: string, query: LogsQuery = {}): Promise<Response> =>
  fetch(`http://127.0.0.1:${port}/logs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ guest, ...query }),
  });

/** Starts a container with that script, and waits for its end unless it runs on. */
const run = async (script: string, runsOn = false) => {
  const { port, guest } = await shared.containers();
  const about = newGuest({ container: { command: ['sh', '-c', script] } });
  await guest('CreateContainer', about);
  await guest('StartContainer', about);
  const { id } = about;
  if (!runsOn)
    await until('it has ended', async () => (await guest('Status', about)).guest.state === 'stopped');
  const logs = async (query?: LogsQuery): Promise<string> => (await open(port, id, query)).text();
  return { port, id, logs, stop: () => guest('StopContainer', about, { timeout: '0' }) };
};

test('keeps what a container has printed, after its end, too', async (t) => {
  const { logs } = await run('echo one; echo two; sleep 0.2; echo oops >&2; sleep 0.2; echo three');
  t.is(await logs(), 'one\ntwo\noops\nthree\n');
  t.is(await logs({ tail: 2 }), 'oops\nthree\n');
  t.is(await logs({ tail: 0 }), '');
  t.is(await logs({ stream: 'stderr' }), 'oops\n');
  t.is(await logs({ stream: 'stdout' }), 'one\ntwo\nthree\n');
  t.is(await logs({ since: new Date(Date.now() + 3_600_000).toISOString() }), '');
  t.is(await logs({ since: new Date(Date.now() - 3_600_000).toISOString() }), await logs());
  const [first = ''] = (await logs({ timestamps: true })).split('\n');
  const [, time = '', line] = /^(\S+) (.*)$/.exec(first) ?? [];
  t.is(line, 'one');
  t.true(Math.abs(Date.parse(time) - Date.now()) < 3_600_000, time);
});

test('follows a container that prints nothing yet, and ends when it stops', async (t) => {
  const { port, id, stop } = await run('trap "exit 0" TERM; sleep 1; echo later; sleep 1000 & wait', true);
  const response = await open(port, id, { follow: true });
  t.is(response.status, 200);
  const output = text(response.body as ReadableStream);
  await delay(1500);
  await stop();
  t.is(await output, 'later\n');
});

test('a reader that takes its time gets all of a long output', async (t) => {
  const { port, id } = await run('seq 1 50000');
  const { body } = await open(port, id);
  let received = '';
  for await (const chunk of body as ReadableStream<Uint8Array>) {
    if (received === '') await delay(500);
    received += Buffer.from(chunk).toString();
  }
  t.is(received, Array.from({ length: 50_000 }, (_, n) => `${n + 1}\n`).join(''));
});

test('says that there is no such container', async (t) => {
  const { port } = await shared.containers();
  const response = await open(port, newGuest().id);
  t.is(response.status, 404);
  t.regex(await response.text(), /the container of guest .*: not found/);
});
