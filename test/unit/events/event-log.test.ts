import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { EventLog } from '../../../lib/events/event-log.js';
import type { EventBatch, EventBody } from '../../../lib/model/event.js';
import { withFaults } from '../../helpers/faulty-disk.js';
import { silentLog } from '../../helpers/sub-agents.js';
import { tempDir } from '../../helpers/temp.js';

const image = (id: string): EventBody => ({ kind: 'image', change: 'fetched', id, type: '' });

const open = async (t: ExecutionContext, directory: string): Promise<EventLog> => {
  const log = await EventLog.open(directory, silentLog);
  t.teardown(() => log.end());
  return log;
};

const idsIn = ({ events }: EventBatch): string[] => events.map((event) => event.body.id);

/** Reads all events after an id, in as many batches as it takes. */
const readAll = async (log: EventLog, after: number) => {
  const all: string[] = [];
  let missed: EventBatch['missed'];
  for (let lastId = after; ; ) {
    const batch = await log.read(lastId);
    missed ??= batch.missed;
    if (batch.events.length === 0) return { all, missed };
    all.push(...idsIn(batch));
    lastId = batch.events.at(-1)?.id ?? lastId;
  }
};

test('returns later events in order, also after a restart', async (t) => {
  const directory = await tempDir(t);
  const log = await open(t, directory);
  for (const id of ['a', 'b', 'c']) log.publish(image(id));
  const [first] = (await log.read(0)).events;
  await log.end();
  const again = await open(t, directory);
  again.publish(image('d'));
  t.deepEqual(await readAll(again, first?.id ?? 0), { all: ['b', 'c', 'd'], missed: undefined });
});

test('writes the format of earlier versions, with the body as `happening`', async (t) => {
  const directory = await tempDir(t);
  const log = await open(t, directory);
  log.publish(image('a'));
  await log.written();
  const [header, line] = (await readFile(join(directory, 'events.jsonl'), 'utf8')).split('\n');
  t.deepEqual(Object.keys(JSON.parse(header ?? '')), ['after']);
  t.deepEqual(Object.keys(JSON.parse(line ?? '')), ['id', 'time', 'happening']);
});

test('gives out higher ids after a crash that loses the newest events', async (t) => {
  const directory = await tempDir(t);
  const log = await open(t, directory);
  log.publish(image('a'));
  const seen = log.lastId;
  const again = await open(t, directory);
  again.publish(image('b'));
  t.true(again.lastId > seen);
});

/** Publishes events and leaves the log unclosed, as a crash does. */
const crashed = async (t: ExecutionContext, ...ids: string[]) => {
  const directory = await tempDir(t);
  const log = await open(t, directory);
  for (const id of ids) log.publish(image(id));
  await log.written();
  return { directory, last: log.lastId };
};

test('reports a gap after a crash even to a reader that has read all kept events', async (t) => {
  const { directory, last } = await crashed(t, 'a');
  const again = await open(t, directory);
  const { events, missed } = await again.read(last);
  t.deepEqual(events, []);
  t.is(missed?.after, last);
  again.publish(image('b'));
  t.deepEqual(await readAll(again, Number(missed?.before) - 1), { all: ['b'], missed: undefined });
});

test('reports the gap of a crash after many later events and another restart', async (t) => {
  const { directory, last } = await crashed(t, 'a');
  const again = await open(t, directory);
  const ids = Array.from({ length: 3000 }, (_, n) => String(n));
  for (const id of ids) again.publish(image(id));
  await again.written();
  const { all, missed } = await readAll(again, last);
  t.deepEqual(all, ids);
  t.is(missed?.after, last);
  await again.end();
  const { missed: stillMissed } = await (await open(t, directory)).read(last);
  t.deepEqual(stillMissed, missed);
});

test('returns the events before the gap of a crash first', async (t) => {
  const { directory } = await crashed(t, 'a', 'b');
  const again = await open(t, directory);
  again.publish(image('c'));
  await again.written();
  t.deepEqual(idsIn(await again.read(0)), ['a', 'b']);
  const { all, missed } = await readAll(again, 0);
  t.deepEqual(all, ['a', 'b', 'c']);
  t.truthy(missed);
});

test('reports a gap when a crash comes before the first event is on disk', async (t) => {
  const { directory, last } = await crashed(t);
  t.is((await (await open(t, directory)).read(last)).missed?.after, last);
});

test('loses nothing in a clean stop, including events published during it', async (t) => {
  const directory = await tempDir(t);
  const log = await open(t, directory);
  log.publish(image('a'));
  const { lastId } = log;
  log.close();
  log.publish(image('b'));
  await log.end();
  const again = await open(t, directory);
  t.deepEqual(await readAll(again, lastId), { all: ['b'], missed: undefined });
  t.deepEqual(await again.read(again.lastId), { events: [] });
});

test('reports a gap after a restart for events that the disk did not take', async (t) => {
  const directory = await tempDir(t);
  const log = await open(t, directory);
  const before = log.lastId;
  await withFaults(
    directory,
    (operation) => (operation === 'append' ? { code: 'ENOSPC', written: 0.5 } : undefined),
    async () => {
      log.publish(image('a'));
      await log.written();
    },
  );
  await log.end();
  t.is((await (await open(t, directory)).read(before)).missed?.after, before);
});

test('drops a torn last line and keeps the rest', async (t) => {
  const directory = await tempDir(t);
  const log = await open(t, directory);
  log.publish(image('a'));
  await log.end();
  await appendFile(join(directory, 'events.jsonl'), '{"id": 17');
  const again = await open(t, directory);
  again.publish(image('b'));
  t.deepEqual((await readAll(again, 0)).all, ['a', 'b']);
});

const damage = async (path: string, id: string): Promise<void> => {
  const lines = (await readFile(path, 'utf8')).split('\n');
  const damaged = lines.map((line) => (line.includes(`"id":"${id}"`) ? '\0'.repeat(line.length) : line));
  await writeFile(path, damaged.join('\n'));
};

test('skips a damaged line and reports the gap', async (t) => {
  const directory = await tempDir(t);
  const log = await open(t, directory);
  for (const id of ['a', 'b', 'c', 'd']) log.publish(image(id));
  const [a, b, c] = (await log.read(0)).events.map(({ id }) => id);
  await log.end();
  await damage(join(directory, 'events.jsonl'), 'b');
  const again = await open(t, directory);
  t.deepEqual(idsIn(await again.read(0)), ['a']);
  const { events, missed } = await again.read(Number(a));
  t.deepEqual(idsIn({ events }), ['c', 'd']);
  t.deepEqual(missed, { after: Number(a), before: Number(c) });
  t.deepEqual(await readAll(again, Number(b)), { all: ['c', 'd'], missed: undefined });
});

test('skips an event with a damaged id and keeps later ones', async (t) => {
  const directory = await tempDir(t);
  const log = await open(t, directory);
  for (const id of ['a', 'b']) log.publish(image(id));
  await log.end();
  const path = join(directory, 'events.jsonl');
  const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
  const last = lines.pop() ?? '';
  await writeFile(path, `${[...lines, last.replace('"id":1', '"id":9')].join('\n')}\n`);
  const again = await open(t, directory);
  again.publish(image('c'));
  t.deepEqual((await readAll(again, 0)).all, ['a', 'c']);
});

test('keeps new events when nothing in the file is readable', async (t) => {
  const directory = await tempDir(t);
  await writeFile(join(directory, 'events.jsonl'), 'null\n{}\nno JSON\n');
  const log = await open(t, directory);
  log.publish(image('a'));
  t.deepEqual((await readAll(log, 0)).all, ['a']);
});

test('reads all events from disk for a reader that lags far behind', async (t) => {
  const log = await open(t, await tempDir(t));
  const ids = Array.from({ length: 5000 }, (_, n) => String(n));
  for (const id of ids) log.publish(image(id));
  await log.written();
  t.deepEqual(await readAll(log, 0), { all: ids, missed: undefined });
});

test('bounds the events on disk and reports older ones as missed', async (t) => {
  const log = await open(t, await tempDir(t));
  const long = 'x'.repeat(10_000);
  for (let n = 0; n < 2000; n += 1) {
    log.publish(image(`${n} ${long}`));
    if (n % 100 === 99) await log.written();
  }
  const { all, missed } = await readAll(log, 0);
  t.is(missed?.after, 0);
  t.true(all.length > 500 && all.length < 1500);
  t.regex(all.at(-1) ?? '', /^1999 /);
});

test('reports no gap for a burst that is not on disk yet', async (t) => {
  const log = await open(t, await tempDir(t));
  const ids = Array.from({ length: 5000 }, (_, n) => String(n));
  const before = log.lastId;
  for (const id of ids) log.publish(image(id));
  t.deepEqual(await readAll(log, before), { all: ids, missed: undefined });
});
