import { randomUUID } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import type { ScheduleDetails, ScheduleSpec } from '../../../../lib/model/schedule.js';
import { addGuest, startTestAgent } from '../../../helpers/agent.js';
import { KeptBackups } from '../../../helpers/kept-backups.js';
import { until } from '../../../helpers/wait.js';

const DISK = { bus: 'virtio', device: 'vda', size: 8, volume: '', image: '', source: '' };

const NIGHTLY: ScheduleSpec = {
  ...{ name: 'nightly', action: 'backup', guests: { all: true } },
  ...{ cron: '@yearly', timezone: 'UTC' },
};

const start = async (t: ExecutionContext) => {
  const backups = new KeptBackups();
  const { context } = await startTestAgent(t, { methods: backups.methods });
  const { schedules } = context;
  const { id: guest } = await addGuest(context, { disks: [DISK] });
  /** Runs a schedule, and waits for its end. */
  const run = async (id: string): Promise<ScheduleDetails> => {
    await schedules.run(id);
    return until('the run has ended', () => {
      const schedule = schedules.get(id);
      return schedule.last?.outcome === 'running' ? undefined : schedule;
    });
  };
  return { schedules, backups, guest, run };
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
