import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { EventLog } from '../../../lib/events/event-log.js';
import type { Batch, Happening } from '../../../lib/model/event.js';
import { withFaults } from '../../helpers/faulty-disk.js';
import { silentLog } from '../../helpers/sub-agents.js';
import { tempDir } from '../../helpers/temp.js';

const happening = (id: string): Happening => ({ kind: 'image', change: 'fetched', id, type: '' });

const open = async (t: ExecutionContext, directory: string): Promise<EventLog> => {
  const log = await EventLog.open(directory, silentLog);
  t.teardown(() => log.end());
  return log;
};

const idsIn = ({ events }: Batch): string[] => events.map((event) => event.happening.id);

/** Everything after a place, however many batches it takes. */
const readAll = async (log: EventLog, after: number) => {
  const all: string[] = [];
  let missed: Batch['missed'];
  for (let place = after; ; ) {
    const batch = await log.read(place);
    missed ??= batch.missed;
    if (batch.events.length === 0) return { all, missed };
    all.push(...idsIn(batch));
    place = batch.events.at(-1)?.id ?? place;
  }
};

test('who was away gets what came meanwhile, in order, also after a restart', async (t) => {
  const directory = await tempDir(t);
  const log = await open(t, directory);
  for (const id of ['a', 'b', 'c']) log.publish(happening(id));
  const [first] = (await log.read(0)).events;
  await log.end();
  const again = await open(t, directory);
  again.publish(happening('d'));
  t.deepEqual(await readAll(again, first?.id ?? 0), { all: ['b', 'c', 'd'], missed: undefined });
});

test('ids go up across a crash that loses the newest events', async (t) => {
  const directory = await tempDir(t);
  const log = await open(t, directory);
  log.publish(happening('a'));
  const seen = log.lastId;
  const again = await open(t, directory);
  again.publish(happening('b'));
  t.true(again.lastId > seen);
});

const crashed = async (t: ExecutionContext, ...ids: string[]) => {
  const directory = await tempDir(t);
  const log = await open(t, directory);
  for (const id of ids) log.publish(happening(id));
  await log.written();
  return { directory, last: log.lastId };
};

test('after a crash who has read everything that was kept is told that there may have been more', async (t) => {
  const { directory, last } = await crashed(t, 'a');
  const again = await open(t, directory);
  const { events, missed } = await again.read(last);
  t.deepEqual(events, []);
  t.is(missed?.after, last);
  again.publish(happening('b'));
  t.deepEqual(await readAll(again, Number(missed?.before) - 1), { all: ['b'], missed: undefined });
});

test('so is who comes when much has happened since, and after another restart', async (t) => {
  const { directory, last } = await crashed(t, 'a');
  const again = await open(t, directory);
  const ids = Array.from({ length: 3000 }, (_, n) => String(n));
  for (const id of ids) again.publish(happening(id));
  await again.written();
  const { all, missed } = await readAll(again, last);
  t.deepEqual(all, ids);
  t.is(missed?.after, last);
  await again.end();
  const { missed: stillMissed } = await (await open(t, directory)).read(last);
  t.deepEqual(stillMissed, missed);
});

test('what a crash left of the log comes before what is missing', async (t) => {
  const { directory } = await crashed(t, 'a', 'b');
  const again = await open(t, directory);
  again.publish(happening('c'));
  await again.written();
  t.deepEqual(idsIn(await again.read(0)), ['a', 'b']);
  const { all, missed } = await readAll(again, 0);
  t.deepEqual(all, ['a', 'b', 'c']);
  t.truthy(missed);
});

test('a crash before the first event is on disk is told as well', async (t) => {
  const { directory, last } = await crashed(t);
  t.is((await (await open(t, directory)).read(last)).missed?.after, last);
});

test('after a stop nothing is missing, whatever happened while it was on', async (t) => {
  const directory = await tempDir(t);
  const log = await open(t, directory);
  log.publish(happening('a'));
  const { lastId } = log;
  log.close();
  log.publish(happening('b'));
  await log.end();
  const again = await open(t, directory);
  t.deepEqual(await readAll(again, lastId), { all: ['b'], missed: undefined });
  t.deepEqual(await again.read(again.lastId), { events: [] });
});

test('what the disk did not take is missing after a restart, too', async (t) => {
  const directory = await tempDir(t);
  const log = await open(t, directory);
  const before = log.lastId;
  await withFaults(
    directory,
    (operation) => (operation === 'append' ? { code: 'ENOSPC', written: 0.5 } : undefined),
    async () => {
      log.publish(happening('a'));
      await log.written();
    },
  );
  await log.end();
  t.is((await (await open(t, directory)).read(before)).missed?.after, before);
});

test('a line that a crash has left half written costs that one event', async (t) => {
  const directory = await tempDir(t);
  const log = await open(t, directory);
  log.publish(happening('a'));
  await log.end();
  await appendFile(join(directory, 'events.jsonl'), '{"id": 17');
  const again = await open(t, directory);
  again.publish(happening('b'));
  t.deepEqual((await readAll(again, 0)).all, ['a', 'b']);
});

const damage = async (path: string, id: string): Promise<void> => {
  const lines = (await readFile(path, 'utf8')).split('\n');
  const damaged = lines.map((line) => (line.includes(`"id":"${id}"`) ? '\0'.repeat(line.length) : line));
  await writeFile(path, damaged.join('\n'));
};

test('a damaged line costs that one event, and who was to read it is told', async (t) => {
  const directory = await tempDir(t);
  const log = await open(t, directory);
  for (const id of ['a', 'b', 'c', 'd']) log.publish(happening(id));
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

test('a damaged id costs that one event, and none of those that come', async (t) => {
  const directory = await tempDir(t);
  const log = await open(t, directory);
  for (const id of ['a', 'b']) log.publish(happening(id));
  await log.end();
  const path = join(directory, 'events.jsonl');
  const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
  const last = lines.pop() ?? '';
  await writeFile(path, `${[...lines, last.replace('"id":1', '"id":9')].join('\n')}\n`);
  const again = await open(t, directory);
  again.publish(happening('c'));
  t.deepEqual((await readAll(again, 0)).all, ['a', 'c']);
});

test('a log of which nothing can be read keeps what happens from now on', async (t) => {
  const directory = await tempDir(t);
  await writeFile(join(directory, 'events.jsonl'), 'null\n{}\nno JSON\n');
  const log = await open(t, directory);
  log.publish(happening('a'));
  t.deepEqual((await readAll(log, 0)).all, ['a']);
});

test('who is far behind reads from the disk, all of it', async (t) => {
  const log = await open(t, await tempDir(t));
  const ids = Array.from({ length: 5000 }, (_, n) => String(n));
  for (const id of ids) log.publish(happening(id));
  await log.written();
  t.deepEqual(await readAll(log, 0), { all: ids, missed: undefined });
});

test('what is no longer kept is told as missed, and the disk holds a bounded number', async (t) => {
  const log = await open(t, await tempDir(t));
  const long = 'x'.repeat(10_000);
  for (let n = 0; n < 2000; n += 1) {
    log.publish(happening(`${n} ${long}`));
    if (n % 100 === 99) await log.written();
  }
  const { all, missed } = await readAll(log, 0);
  t.is(missed?.after, 0);
  t.true(all.length > 500 && all.length < 1500);
  t.regex(all.at(-1) ?? '', /^1999 /);
});

test('a burst that the disk has not taken yet is not told as missed', async (t) => {
  const log = await open(t, await tempDir(t));
  const ids = Array.from({ length: 5000 }, (_, n) => String(n));
  const before = log.lastId;
  for (const id of ids) log.publish(happening(id));
  t.deepEqual(await readAll(log, before), { all: ids, missed: undefined });
});
