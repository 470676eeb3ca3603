import { randomUUID } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import type { ScheduleDetails, ScheduleSpec } from '../../../../lib/model/schedule.js';
import { Refusal } from '../../../../lib/rpc/protocol/refusal.js';
import { addGuest, startTestAgent, type TestAgentOptions } from '../../../helpers/agent.js';
import { KeptBackups } from '../../../helpers/kept-backups.js';
import { KeptSnapshots } from '../../../helpers/kept-snapshots.js';
import { tempDir } from '../../../helpers/temp.js';
import { gate, until } from '../../../helpers/wait.js';

const DISK = { bus: 'virtio', device: 'vda', size: 8, volume: '', image: '', source: '' };

const NIGHTLY: ScheduleSpec = {
  ...{ name: 'nightly', action: 'backup', guests: { all: true } },
  ...{ cron: '@yearly', timezone: 'UTC' },
};

const start = async (t: ExecutionContext, options: Pick<TestAgentOptions, 'schedules' | 'dbpath'> = {}) => {
  const backups = new KeptBackups();
  const snapshots = new KeptSnapshots();
  const methods = { ...snapshots.methods, ...backups.methods };
  const { context, stop } = await startTestAgent(t, { ...options, methods });
  const { schedules } = context;
  const guest = context.guests.list()[0]?.id ?? (await addGuest(context, { disks: [DISK] })).id;
  /** Runs a schedule, and waits for its end. */
  const run = async (id: string): Promise<ScheduleDetails> => {
    await schedules.run(id);
    return until('the run has ended', () => {
      const schedule = schedules.get(id);
      return schedule.last?.outcome === 'running' ? undefined : schedule;
    });
  };
  return { context, stop, schedules, backups, snapshots, guest, run };
};

test('backs guests up, deletes what has expired but no backup of a user, and frees its room', async (t) => {
  const { schedules, backups, guest, run } = await start(t);
  const byUser = randomUUID();
  backups.add(guest, byUser);
  const { id } = await schedules.create({ ...NIGHTLY, keep: { last: 2 } });
  await run(id);
  await run(id);
  t.is(backups.prunes, 0);
  const { status } = await run(id);
  t.like(status[0]?.run, { outcome: 'success', message: undefined });
  t.deepEqual(backups.of(guest), [byUser, ...(status[0]?.kept ?? [])]);
  t.is(status[0]?.kept.length, 2);
  await until('the repository is pruned', () => backups.prunes === 1);
});

test('verifies the newest backup that was never verified, then the one whose verification is the oldest', async (t) => {
  const { schedules, backups, guest, run } = await start(t);
  const [older, newer] = [randomUUID(), randomUUID()];
  backups.add(guest, older);
  backups.add(guest, newer);
  const { id } = await schedules.create({ ...NIGHTLY, action: 'verify' });
  await run(id);
  await run(id);
  t.is((await run(id)).status[0]?.run?.message, undefined);
  t.deepEqual(backups.verified, [newer, older, newer]);
});

test('a snapshot waits until the backup of its guest has ended, and other guests do not wait for it', async (t) => {
  const reading = gate();
  const { context, schedules, backups, snapshots, guest, run } = await start(t, {
    schedules: { concurrency: 1 },
  });
  backups.before = () => reading.opened;
  const { id: backup } = await schedules.create(NIGHTLY);
  await schedules.run(backup);
  await until('the backup runs', () => context.jobs.list().some(({ Status }) => Status === 'Running'));
  const { id: other } = await addGuest(context, { disks: [DISK] });
  const { id } = await schedules.create({ ...NIGHTLY, name: 'hourly', action: 'snapshot' });
  const ended = run(id);
  await until('the other guest has its snapshot', () => snapshots.of(other).length === 1);
  t.deepEqual(snapshots.of(guest), []);
  reading.open();
  const { last } = await ended;
  t.like(last, { outcome: 'success', guests: { success: 2 } });
  t.is(snapshots.of(guest).length, 1);
  t.is(backups.of(guest).length, 1);
});

test('a snapshot that a backup came before is taken when that has ended', async (t) => {
  const [reading, tried] = [gate(), gate()];
  const { context, schedules, backups, snapshots, guest, run } = await start(t);
  const { runtime } = context;
  backups.before = () => reading.opened;
  const { id: backup } = await schedules.create(NIGHTLY);
  let isFirst = true;
  snapshots.before = async () => {
    if (!isFirst) return;
    isFirst = false;
    await schedules.run(backup);
    await until('the backup is queued', () => runtime.queue.backupEnd(guest) !== undefined);
    tried.open();
    throw new Refusal('conflict', `guest ${guest} is being backed up`);
  };
  const { id } = await schedules.create({ ...NIGHTLY, name: 'hourly', action: 'snapshot' });
  const ended = run(id);
  await tried.opened;
  reading.open();
  const { last, status } = await ended;
  t.like(last, { outcome: 'success' });
  t.is(snapshots.of(guest).length, 1);
  t.is(context.jobs.get(status[0]?.run?.job ?? '').Status, 'Complete');
});

test('a snapshot that waits for a backup is taken after a restart of the agent', async (t) => {
  const dbpath = await tempDir(t);
  const first = await start(t, { dbpath });
  const { guest } = first;
  first.backups.before = () => new Promise(() => {});
  const { id: backup } = await first.schedules.create(NIGHTLY);
  await first.schedules.run(backup);
  await until('the backup is queued', () => first.context.runtime.queue.backupEnd(guest) !== undefined);
  const { id } = await first.schedules.create({ ...NIGHTLY, name: 'hourly', action: 'snapshot' });
  await first.schedules.run(id);
  t.is(first.schedules.get(id).last?.outcome, 'running');
  await first.stop();
  const { schedules, snapshots } = await start(t, { dbpath });
  await until('the run has ended', () => schedules.get(id).last?.outcome === 'success');
  t.is(snapshots.of(guest).length, 1);
});

test('a snapshot that fails for another reason than a backup is not tried again', async (t) => {
  const { schedules, snapshots, run } = await start(t);
  let tries = 0;
  snapshots.before = () => {
    tries += 1;
    throw new Refusal('conflict', 'a rollback of the guest was interrupted');
  };
  const { id } = await schedules.create({ ...NIGHTLY, action: 'snapshot' });
  t.like((await run(id)).last, { outcome: 'error' });
  t.is(tries, 1);
});

test('a verification of a guest without a backup fails in words', async (t) => {
  const { schedules, guest, run } = await start(t);
  const { id } = await schedules.create({ ...NIGHTLY, action: 'verify' });
  const { status } = await run(id);
  t.like(status[0]?.run, { outcome: 'error', message: `guest ${guest} has no backup to verify` });
});

test('a verification keeps nothing, so it has no retention', async (t) => {
  const { schedules } = await start(t);
  await t.throwsAsync(schedules.create({ ...NIGHTLY, action: 'verify', keep: { last: 1 } }), {
    message: '"keep" is for what a schedule makes, and a verification makes nothing: leave it out',
  });
});
