import test from 'ava';
import { Locks } from '../../../lib/async/keyed-locks.js';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const recorder = (): { log: string[]; work: (name: string) => () => Promise<void> } => {
  const log: string[] = [];
  const work = (name: string) => async (): Promise<void> => {
    log.push(`${name} starts`);
    await turn();
    log.push(`${name} ends`);
  };
  return { log, work };
};

test('runs work of one key one at a time, in order', async (t) => {
  const locks = new Locks();
  const { log, work } = recorder();
  await Promise.all([locks.run('k', work('a')), locks.run('k', work('b'))]);
  t.deepEqual(log, ['a starts', 'a ends', 'b starts', 'b ends']);
});

test('runs work of different keys concurrently', async (t) => {
  const locks = new Locks();
  const { log, work } = recorder();
  await Promise.all([locks.run('k', work('a')), locks.run('l', work('b'))]);
  t.deepEqual(log, ['a starts', 'b starts', 'a ends', 'b ends']);
});

test('avoids a deadlock between callers that name the same keys in different orders', async (t) => {
  const locks = new Locks();
  const { log, work } = recorder();
  await Promise.all([locks.runAll(['k', 'l'], work('a')), locks.runAll(['l', 'k', 'l'], work('b'))]);
  t.deepEqual(log, ['a starts', 'a ends', 'b starts', 'b ends']);
});

test('releases the key of failed work', async (t) => {
  const locks = new Locks();
  await t.throwsAsync(
    locks.run('k', () => Promise.reject(new Error('no'))),
    { message: 'no' },
  );
  t.is(await locks.run('k', () => Promise.resolve(1)), 1);
});
