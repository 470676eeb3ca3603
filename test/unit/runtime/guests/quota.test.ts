import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { QuotaConfig } from '../../../../lib/config/quota.js';
import { normalizeGuest } from '../../../../lib/model/guest.js';
import { Quota } from '../../../../lib/runtime/guests/quota.js';
import { GuestStore } from '../../../../lib/store/guest-store.js';
import { tempDir } from '../../../helpers/temp.js';

const ID = (n: number): string => `7d3c8f0e-52c1-4c29-9c58-1f1f6d3a2b1${n}`;
const guest = (n: number, state: string, memory = 600) => normalizeGuest({ id: ID(n), state, memory });

const setUp = async (t: ExecutionContext, config: QuotaConfig, ...guests: ReturnType<typeof guest>[]) => {
  const store = await GuestStore.open(join(await tempDir(t), 'guests.db'));
  t.teardown(() => store.close());
  for (const each of guests) await store.insert(each);
  return { store, quota: new Quota(config, store) };
};

test('admits one of two waiting creates of which one fits, and the other when that one has failed', async (t) => {
  const { store, quota } = await setUp(t, { memory: 1000 }, guest(1, 'create'), guest(2, 'create'));
  quota.admit(store.get(ID(1)));
  t.throws(() => quota.admit(store.get(ID(2))), { message: /needs 600 MB of memory/ });
  await store.update(ID(1), () => guest(1, 'error'));
  quota.settled(ID(1));
  t.notThrows(() => quota.admit(store.get(ID(2))));
});

test('counts a guest that is being stored, and forgets one that could not be stored', async (t) => {
  const { quota } = await setUp(t, { memory: 1000 });
  await t.throwsAsync(
    quota.claim(guest(1, 'create'), async () => {
      t.throws(() => quota.check(guest(2, 'create')), { message: /other guests have 600/ });
      throw new Error('the disk is full');
    }),
    { message: 'the disk is full' },
  );
  t.notThrows(() => quota.check(guest(2, 'create')));
});

test('does not count guests that could not be created', async (t) => {
  const { quota } = await setUp(t, { guests: 1, memory: 1000 }, guest(1, 'error'));
  t.deepEqual(quota.usage(), { guests: 0, memory: 0, cpu: 0, disk: 0 });
  t.notThrows(() => quota.check(guest(1, 'create')));
});

test('takes the smaller one of a size and a multiple of the storage', async (t) => {
  const { quota } = await setUp(t, { disk: 100, disk_factor: 2 });
  t.deepEqual(quota.limits(), { disk: 100 });
  quota.setStorageSize(30);
  t.deepEqual(quota.limits(), { disk: 60 });
});
