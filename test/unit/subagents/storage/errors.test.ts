import test from 'ava';
import { explainNoSpace } from '../../../../lib/subagents/storage/errors.js';
import { TornError } from '../../../../lib/subagents/storage/torn-error.js';

const FULL = new Error('qemu-img snapshot: No space left on device');

test('says in plain words that the device is full', async (t) => {
  await t.throwsAsync(
    explainNoSpace('snapshot one', '/store', () => Promise.reject(FULL)),
    {
      message: 'snapshot one: no space left on the device of /store: make room there, then try again',
    },
  );
});

test('keeps the words of an error that says which disks have changed', async (t) => {
  const torn = new TornError('disk 0 is rolled back, disk 1 is not', [1], { cause: FULL });
  await t.throwsAsync(
    explainNoSpace('snapshot one', '/store', () => Promise.reject(torn)),
    { is: torn },
  );
});
