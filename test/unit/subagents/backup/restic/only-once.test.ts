import test from 'ava';
import { onlyOnce } from '../../../../../lib/subagents/backup/restic/only-once.js';

test('repeats a read that has passed nothing on', async (t) => {
  const attempts: string[] = [];
  const read = onlyOnce(async (lock) => {
    attempts.push(lock.join(' '));
    if (lock.length === 0) throw new Error('no room for a lock');
  });
  await t.throwsAsync(read([]), { message: 'no room for a lock' });
  await read(['--no-lock']);
  t.deepEqual(attempts, ['', '--no-lock']);
});

test('does not repeat a read that has passed something on', async (t) => {
  let attempts = 0;
  const read = onlyOnce(async (_lock, begins) => {
    attempts += 1;
    begins();
    throw new Error('no room for a lock');
  });
  await t.throwsAsync(read([]), { message: 'no room for a lock' });
  await t.throwsAsync(read(['--no-lock']), { message: /became full or locked while a backup was read/ });
  t.is(attempts, 1);
});
