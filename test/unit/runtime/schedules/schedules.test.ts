import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Context } from '../../../../lib/agent/context.js';
import type { LooseGuest } from '../../../../lib/model/guest.js';
import type { ScheduleSpec } from '../../../../lib/model/schedule.js';
import type { ScheduleChange } from '../../../../lib/runtime/schedules/schedule-clock.js';
import { Schedules } from '../../../../lib/runtime/schedules/schedules.js';
import { ScheduleStore } from '../../../../lib/store/schedule-store.js';
import { addGuest, startTestAgent, type TestAgentOptions } from '../../../helpers/agent.js';
import { KeptSnapshots } from '../../../helpers/kept-snapshots.js';
import { tempDir } from '../../../helpers/temp.js';
import { gate, until } from '../../../helpers/wait.js';

const NIGHTLY: ScheduleSpec = {
  name: 'nightly',
  guests: { all: true },
  cron: '0 2 * * *',
  timezone: 'UTC',
};

const DISK = { bus: 'virtio', device: 'vda', size: 8, volume: '', image: '', source: '' };

const addVm = (context: Context, guest: LooseGuest = {}) => addGuest(context, { disks: [DISK], ...guest });

/** Schedules of a real agent's runtime, with a clock and a store of their own. */
const start = async (t: ExecutionContext, options: TestAgentOptions = {}) => {
  const snapshots = new KeptSnapshots();
  const agent = await startTestAgent(t, { ...options, methods: snapshots.methods });
  const path = join(await tempDir(t), 'schedules.db');
  const host = { now: Date.parse('2026-01-01T12:00:00Z'), goesDown: false };
  const changes: ScheduleChange[] = [];
  const open = async (concurrency?: number) => {
    const store = await ScheduleStore.open(path);
    const schedules = new Schedules({
      ...{ runtime: agent.context.runtime, store, concurrency },
      isPaused: () => host.goesDown,
      onJob: () => {},
      onChange: (change) => changes.push(change),
      now: () => host.now,
    });
    await schedules.open();
    const close = async (): Promise<void> => {
      schedules.close();
      await store.close();
    };
    t.teardown(close);
    return { schedules, store, close, reopen: () => ScheduleStore.open(path) };
  };
  const at = (time: string): void => {
    host.now = Date.parse(time);
  };
  const outcomes = (): string[] =>
    changes.flatMap((change) => {
      if (change.change === 'ended') return [change.run.outcome];
      return change.change === 'skipped' ? [`skipped: ${change.skipped.reason}`] : [];
    });
  const ended = (count: number) => until(`${count} runs have ended`, () => outcomes().length >= count);
  return { ...agent, snapshots, host, at, open, ended, outcomes };
};

test('makes a snapshot of each guest when its time has come, once', async (t) => {
  const { context, snapshots, open, at, ended } = await start(t);
  const guests = [await addVm(context), await addVm(context), await addVm(context, { type: 'container' })];
  const { schedules } = await open();
  await schedules.create(NIGHTLY);
  at('2026-01-02T01:59:59Z');
  await schedules.tick();
  t.deepEqual(snapshots.made, []);
  at('2026-01-02T02:00:01Z');
  await schedules.tick();
  await schedules.tick();
  await ended(2);
  await schedules.tick();
  t.deepEqual(
    snapshots.made.map(({ guest }) => guest).sort(),
    guests
      .slice(0, 2)
      .map(({ id }) => id)
      .sort(),
  );
  t.is(snapshots.made[0]?.name, 'auto-nightly-2026-01-02T02:00:00.000Z');
});

test('deletes what has expired, but no snapshot that it has not made', async (t) => {
  const { context, snapshots, open, at, ended } = await start(t);
  const { id } = await addVm(context);
  snapshots.add(id, 'auto-nightly-of-a-user');
  const { schedules } = await open();
  await schedules.create({ ...NIGHTLY, keep: { last: 2 } });
  for (const day of [2, 3, 4]) {
    at(`2026-01-0${day}T02:00:00Z`);
    await schedules.tick();
    await ended(day - 1);
  }
  const days = (...found: number[]) => found.map((day) => `auto-nightly-2026-01-0${day}T02:00:00.000Z`);
  t.deepEqual(snapshots.of(id), ['auto-nightly-of-a-user', ...days(3, 4)]);
  const [schedule] = schedules.list();
  const { status } = schedules.get(schedule?.id ?? '');
  t.like(status, [{ guest: id, kept: days(3, 4), expired: [] }]);
});

test('a snapshot of a user under the name of a deleted one of the schedule stays', async (t) => {
  const { context, snapshots, open, at, ended } = await start(t);
  const { id } = await addVm(context);
  const { schedules } = await open();
  await schedules.create({ ...NIGHTLY, keep: { last: 1 } });
  at('2026-01-02T02:00:00Z');
  await schedules.tick();
  await ended(1);
  const name = 'auto-nightly-2026-01-02T02:00:00.000Z';
  snapshots.drop(id, name);
  snapshots.add(id, name);
  at('2026-01-03T02:00:00Z');
  await schedules.tick();
  await ended(2);
  t.deepEqual(snapshots.of(id), [name, 'auto-nightly-2026-01-03T02:00:00.000Z']);
});

test('deletes nothing after a run that has failed', async (t) => {
  const { context, snapshots, open, at, ended, outcomes } = await start(t);
  const { id } = await addVm(context);
  const { schedules } = await open();
  await schedules.create({ ...NIGHTLY, keep: { last: 1 } });
  at('2026-01-02T02:00:00Z');
  await schedules.tick();
  await ended(1);
  snapshots.before = () => {
    throw new Error('the disk is on fire');
  };
  at('2026-01-03T02:00:00Z');
  await schedules.tick();
  await ended(2);
  t.deepEqual(outcomes(), ['success', 'error']);
  t.is(snapshots.of(id).length, 1);
  const [status] = schedules.get(schedules.list()[0]?.id ?? '').status;
  t.regex(status?.run?.message ?? '', /the disk is on fire/);
  t.is(status?.good, '2026-01-02T02:00:00.000Z');
});

test('one run makes up for all that were missed while the agent was down', async (t) => {
  const { context, snapshots, open, at, ended } = await start(t);
  await addVm(context);
  const first = await open();
  await first.schedules.create(NIGHTLY);
  await first.close();
  at('2026-01-05T09:00:00Z');
  const { schedules } = await open();
  await ended(1);
  t.deepEqual(
    snapshots.made.map(({ name }) => name),
    ['auto-nightly-2026-01-05T02:00:00.000Z'],
  );
  const [schedule] = schedules.list();
  t.is(schedule?.next, '2026-01-06T02:00:00.000Z');
  t.is(schedules.get(schedule?.id ?? '').status[0]?.run?.cause, 'missed');
});

test('with the policy "skip", missed runs are told and not made up for', async (t) => {
  const { context, snapshots, open, at, outcomes } = await start(t);
  await addVm(context);
  const first = await open();
  await first.schedules.create({ ...NIGHTLY, missed: 'skip' });
  await first.close();
  at('2026-01-05T09:00:00Z');
  const { schedules } = await open();
  t.deepEqual(snapshots.made, []);
  t.regex(outcomes()[0] ?? '', /^skipped: missed/);
  t.like(schedules.list(), [{ skipped: { due: '2026-01-05T02:00:00.000Z' } }]);
});

test('with the policy "skip", a restart of the agent at the time of a run does not miss it', async (t) => {
  const { context, snapshots, open, at, ended } = await start(t);
  await addVm(context);
  const first = await open();
  await first.schedules.create({ ...NIGHTLY, missed: 'skip' });
  await first.close();
  at('2026-01-02T02:00:30Z');
  await open();
  await ended(1);
  t.is(snapshots.made.length, 1);
});

test('a run that overlaps itself for a guest is skipped for that guest alone, and told', async (t) => {
  const { context, snapshots, open, at, ended, outcomes } = await start(t);
  const [slow, fast] = [await addVm(context), await addVm(context)];
  const held = gate();
  snapshots.before = (_change, guest) => (guest === slow.id ? held.opened : undefined);
  const { schedules } = await open();
  await schedules.create(NIGHTLY);
  at('2026-01-02T02:00:00Z');
  await schedules.tick();
  await ended(1);
  at('2026-01-03T02:00:00Z');
  await schedules.tick();
  await ended(3);
  t.deepEqual(outcomes().toSorted(), [
    'skipped: the run of 2026-01-02T02:00:00.000Z has not ended',
    'success',
    'success',
  ]);
  t.is(snapshots.of(fast.id).length, 2);
  const { last } = schedules.list()[0] ?? {};
  t.deepEqual(last?.guests, { running: 0, success: 1, error: 0 });
  held.open();
  await ended(4);
  t.is(snapshots.of(slow.id).length, 1);
});

test('runs a few guests at the same time', async (t) => {
  const { context, snapshots, open, at, ended } = await start(t);
  for (let guest = 0; guest < 5; guest += 1) await addVm(context);
  let [running, most] = [0, 0];
  const held = gate();
  snapshots.before = async () => {
    running += 1;
    most = Math.max(most, running);
    await held.opened;
    running -= 1;
  };
  const { schedules } = await open(2);
  await schedules.create(NIGHTLY);
  at('2026-01-02T02:00:00Z');
  await schedules.tick();
  await until('two run', () => running === 2);
  held.open();
  await ended(5);
  t.is(most, 2);
});

test('a run that a restart interrupts is resumed, and makes no second snapshot', async (t) => {
  const { context, snapshots, open, at, ended, outcomes } = await start(t);
  const { id } = await addVm(context);
  const held = gate();
  snapshots.before = () => held.opened;
  const first = await open();
  await first.schedules.create(NIGHTLY);
  at('2026-01-02T02:00:00Z');
  await first.schedules.tick();
  await until('the job runs', () => context.jobs.list({ guestId: id })[0]?.Status === 'Running');
  await first.close();
  const { schedules } = await open();
  t.like(schedules.list(), [{ last: { outcome: 'running' } }]);
  held.open();
  await ended(1);
  t.deepEqual(outcomes(), ['success']);
  t.is(snapshots.made.length, 1);
  t.is(context.jobs.list({ guestId: id }).length, 1);
});

test('a run that is resumed although the job log has forgotten its job finds its snapshot', async (t) => {
  const { context, snapshots, open, at, ended } = await start(t);
  const { id } = await addVm(context);
  const first = await open();
  await first.schedules.create(NIGHTLY);
  await first.close();
  at('2026-01-02T02:00:00Z');
  const name = 'auto-nightly-2026-01-02T02:00:00.000Z';
  const [stored] = first.store.list();
  const store = await first.reopen();
  const current = { due: '2026-01-02T02:00:00.000Z', cause: 'time', name } as const;
  const known = { guest: id, since: current.due, made: [], current };
  if (stored) await store.put({ ...stored, decided: Date.parse(current.due) }, [known]);
  await store.close();
  snapshots.add(id, name);
  const { schedules } = await open();
  await ended(1);
  t.deepEqual(snapshots.of(id), [name]);
  t.like(schedules.get(schedules.list()[0]?.id ?? '').status, [
    { run: { outcome: 'success' }, kept: [name] },
  ]);
});

test('no run begins while the host goes down, and what was missed is made up for', async (t) => {
  const { context, snapshots, open, at, host, ended } = await start(t);
  await addVm(context);
  const { schedules } = await open();
  await schedules.create(NIGHTLY);
  host.goesDown = true;
  at('2026-01-02T02:00:00Z');
  await schedules.tick();
  t.deepEqual(snapshots.made, []);
  host.goesDown = false;
  at('2026-01-02T08:00:00Z');
  await schedules.tick();
  await ended(1);
  t.is(snapshots.made.length, 1);
});

test('a clock that is set back a little repeats nothing, and one that was wrong stops nothing', async (t) => {
  const { context, snapshots, open, at, ended } = await start(t);
  await addVm(context);
  const { schedules } = await open();
  await schedules.create(NIGHTLY);
  at('2026-01-02T02:00:00Z');
  await schedules.tick();
  await ended(1);
  at('2026-01-02T01:59:00Z');
  await schedules.tick();
  at('2026-01-02T02:00:00Z');
  await schedules.tick();
  at('2036-01-02T02:00:00Z');
  await schedules.tick();
  await ended(2);
  at('2026-01-02T03:00:00Z');
  await schedules.tick();
  t.is(schedules.list()[0]?.next, '2026-01-03T02:00:00.000Z');
  at('2026-01-03T02:00:00Z');
  await schedules.tick();
  await ended(3);
  t.is(snapshots.made.length, 3);
});

test('a run that comes again because the clock was set back finds its snapshot made', async (t) => {
  const { context, snapshots, open, at, ended, outcomes } = await start(t);
  await addVm(context);
  const { schedules } = await open();
  await schedules.create({ ...NIGHTLY, cron: '0 * * * *' });
  at('2026-01-02T08:00:00Z');
  await schedules.tick();
  await ended(1);
  at('2026-01-02T05:30:00Z');
  await schedules.tick();
  at('2026-01-02T08:00:00Z');
  await schedules.tick();
  await ended(2);
  t.deepEqual(outcomes(), ['success', 'success']);
  t.is(snapshots.made.length, 1);
});

test('a change of the time, and enabling it, make up for nothing', async (t) => {
  const { context, snapshots, open, at } = await start(t);
  await addVm(context);
  const { schedules } = await open();
  const { id } = await schedules.create(NIGHTLY);
  await schedules.change(id, { enabled: false });
  t.is(schedules.get(id).next, undefined);
  at('2026-01-05T09:00:00Z');
  await schedules.tick();
  await schedules.change(id, { enabled: true });
  await schedules.tick();
  await schedules.change(id, { cron: '0 8 * * *' });
  await schedules.tick();
  t.deepEqual(snapshots.made, []);
  t.is(schedules.get(id).next, '2026-01-06T08:00:00.000Z');
});

test('guests of a tag are those that have it when the run begins', async (t) => {
  const { context, snapshots, open, at, ended } = await start(t);
  const tagged = await addVm(context, { tags: ['production'] });
  const later = await addVm(context);
  const { schedules } = await open();
  await schedules.create({ ...NIGHTLY, guests: { tags: ['production'] } });
  at('2026-01-02T02:00:00Z');
  await schedules.tick();
  await ended(1);
  await context.guests.update(later.id, (guest) => ({ ...guest, tags: ['production'] }));
  await context.guests.update(tagged.id, (guest) => ({ ...guest, tags: [] }));
  at('2026-01-03T02:00:00Z');
  await schedules.tick();
  await ended(2);
  t.deepEqual(
    snapshots.made.map(({ guest }) => guest),
    [tagged.id, later.id],
  );
});

test('shows the guests that the next run includes, and those that it no longer includes', async (t) => {
  const { context, open, at, ended } = await start(t);
  const [former, other] = [await addVm(context, { tags: ['shop'] }), await addVm(context)];
  const { schedules } = await open();
  const { id, status } = await schedules.create({ ...NIGHTLY, guests: { tags: ['shop'] } });
  t.deepEqual(status, [{ guest: former.id, selected: true, kept: [], expired: [] }]);
  at('2026-01-02T02:00:00Z');
  await schedules.tick();
  await ended(1);
  const changed = await schedules.change(id, { guests: { tags: null, ids: [other.id] } });
  t.like(changed.status, [
    { guest: former.id, selected: false, kept: ['auto-nightly-2026-01-02T02:00:00.000Z'] },
    { guest: other.id, selected: true, kept: [] },
  ]);
});

test('a time without any guest is told', async (t) => {
  const { open, at, outcomes } = await start(t);
  const { schedules } = await open();
  await schedules.create({ ...NIGHTLY, guests: { tags: ['production'] } });
  at('2026-01-02T02:00:00Z');
  await schedules.tick();
  await schedules.tick();
  t.deepEqual(outcomes(), ['skipped: it has no guests']);
});

test('forgets a guest that was deleted', async (t) => {
  const { context, open, at, ended } = await start(t);
  const guest = await addVm(context);
  const { schedules } = await open();
  const { id } = await schedules.create({ ...NIGHTLY, guests: { ids: [guest.id] } });
  at('2026-01-02T02:00:00Z');
  await schedules.tick();
  await ended(1);
  await context.guests.remove(guest.id);
  await until('it is forgotten', () => schedules.get(id).status.length === 0);
  // The schedule can still be changed.
  await schedules.change(id, { keep: { last: 1 } });
  t.deepEqual(schedules.get(id).guests, { ids: [guest.id] });
});
