import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { readAudit } from '../../../lib/audit/read-audit.js';
import { tempDir } from '../../helpers/temp.js';

const NAME = 'audit.log';

interface Line {
  guest?: string;
  guestName?: string;
  principal?: string;
  action?: string;
}

const timeOf = (minute: number): string => new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString();

const line = (minute: number, keys: Line = {}): string =>
  `${JSON.stringify({ time: timeOf(minute), event: 'request', ...keys })}\n`;

const lines = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, index) => line(from + index)).join('');

test('reads the entries of all files page by page, newest first, each of them once', async (t) => {
  const directory = await tempDir(t);
  await writeFile(join(directory, `20260101T000000000Z-${NAME}`), lines(0, 3000));
  await writeFile(join(directory, `20260103T000000000Z-${NAME}`), lines(3000, 3010));
  await writeFile(join(directory, NAME), lines(3010, 3015));
  const times: string[] = [];
  let page = await readAudit(directory, NAME, { limit: 7 });
  for (;;) {
    times.push(...page.records.map(({ time }) => time));
    if (!page.next) break;
    page = await readAudit(directory, NAME, { limit: 700, before: page.next });
  }
  t.deepEqual(
    times,
    Array.from({ length: 3015 }, (_, index) => timeOf(3014 - index)),
  );
});

test('goes on where a page ended although the file was rotated meanwhile', async (t) => {
  const directory = await tempDir(t);
  await writeFile(join(directory, NAME), lines(0, 4));
  const { next } = await readAudit(directory, NAME, { limit: 2 });
  await rename(join(directory, NAME), join(directory, `20260103T000000000Z-${NAME}`));
  await writeFile(join(directory, NAME), lines(4, 6));
  const { records } = await readAudit(directory, NAME, { limit: 9, before: next });
  t.deepEqual(
    records.map(({ time }) => time),
    [timeOf(1), timeOf(0)],
  );
});

test('selects entries by guest, name, client, action and time', async (t) => {
  const directory = await tempDir(t);
  const [web, db] = [
    { guest: 'id-1', guestName: 'web', principal: 'ci', action: 'start' },
    { guest: 'id-2', guestName: 'db', principal: 'ann', action: 'delete' },
  ];
  await writeFile(join(directory, NAME), line(1, web) + line(2, db) + line(3, web));
  const minutesOf = async (filter: object): Promise<string[]> =>
    (await readAudit(directory, NAME, { limit: 9, ...filter })).records.map(({ time }) => time);
  t.deepEqual(await minutesOf({ guest: 'web' }), [timeOf(3), timeOf(1)]);
  t.deepEqual(await minutesOf({ guest: 'id-2' }), [timeOf(2)]);
  t.deepEqual(await minutesOf({ by: 'ann' }), [timeOf(2)]);
  t.deepEqual(await minutesOf({ action: 'start', until: timeOf(2) }), [timeOf(1)]);
  t.deepEqual(await minutesOf({ since: timeOf(2) }), [timeOf(3), timeOf(2)]);
});

test('skips lines that a crash or a failing disk has spoilt, and finds nothing without a log', async (t) => {
  const directory = await tempDir(t);
  t.deepEqual(await readAudit(directory, NAME, { limit: 9 }), { records: [] });
  await writeFile(join(directory, NAME), `${line(1)}\0\0\0\n${line(2)}{"time":"20`);
  const { records } = await readAudit(directory, NAME, { limit: 9 });
  t.deepEqual(
    records.map(({ time }) => time),
    [timeOf(2), timeOf(1)],
  );
});
