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

test('work under one key runs one at a time, in order', async (t) => {
  const locks = new Locks();
  const { log, work } = recorder();
  await Promise.all([locks.run('k', work('a')), locks.run('k', work('b'))]);
  t.deepEqual(log, ['a starts', 'a ends', 'b starts', 'b ends']);
});

test('work under different keys runs side by side', async (t) => {
  const locks = new Locks();
  const { log, work } = recorder();
  await Promise.all([locks.run('k', work('a')), locks.run('l', work('b'))]);
  t.deepEqual(log, ['a starts', 'b starts', 'a ends', 'b ends']);
});

test('callers that want the same keys in different orders do not block each other', async (t) => {
  const locks = new Locks();
  const { log, work } = recorder();
  await Promise.all([locks.runAll(['k', 'l'], work('a')), locks.runAll(['l', 'k', 'l'], work('b'))]);
  t.deepEqual(log, ['a starts', 'a ends', 'b starts', 'b ends']);
});

test('failed work lets go of its key', async (t) => {
  const locks = new Locks();
  await t.throwsAsync(
    locks.run('k', () => Promise.reject(new Error('no'))),
    { message: 'no' },
  );
  t.is(await locks.run('k', () => Promise.resolve(1)), 1);
});
