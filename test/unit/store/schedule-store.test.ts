import '../../helpers/faulty-disk.js';

import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Schedule } from '../../../lib/model/schedule.js';
import { ScheduleStore, type StoredGuest } from '../../../lib/store/schedule-store.js';
import { type Judge, withFaults } from '../../helpers/faulty-disk.js';
import { tempDir } from '../../helpers/temp.js';

const schedule = (id: string): Schedule => ({
  ...{ id, name: id, action: 'snapshot', guests: { all: true }, cron: '@daily', timezone: 'UTC' },
  ...{ missed: 'run', enabled: true },
});

const guest = (id: string): StoredGuest => ({ guest: id, since: '2026-01-01T00:00:00.000Z', made: [] });

const DUE = '2026-01-02T00:00:00.000Z';
const begun = (id: string): StoredGuest => ({
  ...guest(id),
  current: { due: DUE, cause: 'time', name: `auto-${DUE}` },
});

const open = async (t: ExecutionContext, filename: string): Promise<ScheduleStore> => {
  const store = await ScheduleStore.open(filename);
  t.teardown(() => store.close());
  return store;
};

test('keeps schedules in the order of their creation, with their guests, across a restart', async (t) => {
  const filename = join(await tempDir(t), 'schedules.db');
  const store = await open(t, filename);
  await store.put({ schedule: schedule('b'), decided: 1 }, [begun('g1'), guest('g2')]);
  await store.put({ schedule: schedule('a'), decided: 2 }, [guest('g1')]);
  const again = await open(t, filename);
  t.deepEqual(
    again.list().map(({ schedule: { id }, decided }) => [id, decided]),
    [
      ['b', 1],
      ['a', 2],
    ],
  );
  t.deepEqual(again.guestsOf('b'), [begun('g1'), guest('g2')]);
  t.deepEqual(again.findGuest('a', 'g1'), guest('g1'));
});

test('stores a run for all its guests or, on a full disk, for none', async (t) => {
  const directory = await tempDir(t);
  const filename = join(directory, 'schedules.db');
  const store = await open(t, filename);
  const guests = Array.from({ length: 600 }, (_, index) => `g${index}`);
  await store.put({ schedule: schedule('a'), decided: 1 }, guests.map(guest));
  const full: Judge = (operation) => (operation === 'append' ? { code: 'ENOSPC', written: 0.6 } : undefined);
  const { error } = await withFaults(directory, full, async () => ({
    error: await t.throwsAsync(store.put({ schedule: schedule('a'), decided: 2 }, guests.map(begun))),
  }));
  t.regex(error?.message ?? '', /full/);
  for (const each of [store, await open(t, filename)]) {
    t.is(each.find('a')?.decided, 1);
    t.true(each.guestsOf('a').every(({ current }) => current === undefined));
  }
});

test('forgets the guests of a removed schedule, and a removed guest in all schedules', async (t) => {
  const store = await open(t, join(await tempDir(t), 'schedules.db'));
  await store.put({ schedule: schedule('a'), decided: 1 }, [guest('g1'), guest('g2')]);
  await store.put({ schedule: schedule('b'), decided: 1 }, [guest('g1'), guest('g2')]);
  await store.removeGuest('g1');
  t.deepEqual(store.guestsOf('b'), [guest('g2')]);
  await store.remove('a');
  t.deepEqual([store.list().length, store.guestsOf('a'), store.guestsOf('b').length], [1, [], 1]);
});

test('a change of a guest that is no longer there does nothing', async (t) => {
  const store = await open(t, join(await tempDir(t), 'schedules.db'));
  await store.put({ schedule: schedule('a'), decided: 1 });
  await store.updateGuest('a', 'gone', () => guest('gone'));
  t.deepEqual(store.guestsOf('a'), []);
});
