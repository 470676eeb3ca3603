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

const owned = (n: number, owner: string) =>
  normalizeGuest({ id: ID(n), state: 'create', memory: 600, owner });

test('bounds what the guests of an owner have together, whatever others have', async (t) => {
  const owners = { bob: { memory: 1000 }, '*': { guests: 1 } };
  const { quota } = await setUp(t, { owners }, owned(1, 'bob'), owned(2, 'eve'), guest(3, 'create'));
  t.throws(() => quota.check(owned(4, 'bob')), {
    message:
      /needs 600 MB of memory, but the quota of owner bob is 1000 MB .* have 600: .*quota\.owners\["bob"\]\.memory/,
  });
  t.throws(() => quota.check(owned(4, 'eve')), {
    message: /quota of owner eve is 1 guest.*\["\*"\]\.guests/,
  });
  t.notThrows(() => quota.check(owned(4, 'ada')));
  t.notThrows(() => quota.check(guest(4, 'create')));
  t.deepEqual(quota.usage('bob'), { guests: 1, memory: 600, cpu: 1, disk: 0 });
  t.deepEqual(quota.limitsOf('bob'), { memory: 1000 });
});

test('lets in one of two guests of an owner at once of which one fits', async (t) => {
  const { store, quota } = await setUp(t, { owners: { '*': { guests: 1 } } });
  const create = (n: number) => quota.claim(owned(n, 'bob'), () => store.insert(owned(n, 'bob')));
  const outcomes = await Promise.allSettled([create(1), create(2)]);
  t.deepEqual(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'rejected'],
  );
});

test('an owner has no more of what names of objects have by themselves', async (t) => {
  const { quota } = await setUp(t, { owners: { '*': { guests: 0 } } });
  for (const owner of ['constructor', '__proto__', 'toString'])
    t.throws(() => quota.check(owned(1, owner)), { message: /0 guests/ });
});

test('keeps the growth of a guest within the quota of its owner', async (t) => {
  const { quota } = await setUp(t, { owners: { bob: { memory: 1000 } } }, owned(1, 'bob'));
  t.throws(() => quota.checkGrowth({ ...owned(1, 'bob'), memory: 1001 }), { message: /owner bob/ });
  t.notThrows(() => quota.checkGrowth({ ...owned(1, 'bob'), memory: 1000 }));
});

test('takes the smaller one of a size and a multiple of the storage', async (t) => {
  const { quota } = await setUp(t, { disk: 100, disk_factor: 2 });
  t.deepEqual(quota.limits(), { disk: 100 });
  quota.setStorageSize(30);
  t.deepEqual(quota.limits(), { disk: 60 });
});
