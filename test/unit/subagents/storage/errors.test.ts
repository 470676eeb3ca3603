import test from 'ava';
import { explainNoSpace } from '../../../../lib/subagents/storage/errors.js';
import { TornError } from '../../../../lib/subagents/storage/torn-error.js';

const STORE = { workDir: '/store', leftovers: async () => [] };
const FULL = new Error('qemu-img snapshot: No space left on device');

test('says in plain words that the device is full', async (t) => {
  await t.throwsAsync(
    explainNoSpace('snapshot one', STORE, () => Promise.reject(FULL)),
    {
      message: 'snapshot one: no space left on the device of /store: make room there, then try again',
    },
  );
});

test('keeps the message of an error that names the changed disks', async (t) => {
  const torn = new TornError('disk 0 is rolled back, disk 1 is not', [1], { cause: FULL });
  await t.throwsAsync(
    explainNoSpace('snapshot one', STORE, () => Promise.reject(torn)),
    { is: torn },
  );
});

test('names the remains of deleted guests that take room on a full device', async (t) => {
  const left = { volume: 'tank/guests/g', bytes: 3 * 2 ** 20, reason: 'tank/guests/g/disk-0@s1 is held' };
  const store = { ...STORE, leftovers: async () => [left] };
  await t.throwsAsync(
    explainNoSpace('snapshot one', store, () => Promise.reject(FULL)),
    {
      message: /make room there, then try again; tank\/guests\/g still takes 3.* MB: tank.* is held$/,
    },
  );
});
