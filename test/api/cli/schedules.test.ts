import test, { type ExecutionContext } from 'ava';
import { addGuest } from '../../helpers/agent.js';
import { serveApi } from '../../helpers/api.js';
import { mistify } from '../../helpers/command-line.js';
import { KeptSnapshots } from '../../helpers/kept-snapshots.js';

const serve = async (t: ExecutionContext) => {
  const snapshots = new KeptSnapshots();
  const api = await serveApi(t, { methods: snapshots.methods });
  const disk = { bus: 'virtio', device: 'vda', size: 8, volume: '', image: '', source: '' };
  const guest = await addGuest(api.context, {
    disks: [disk],
    metadata: { name: 'web' },
    tags: ['production'],
  });
  const run = (...args: string[]) => mistify(t, api.url, 'schedule', ...args);
  return { ...api, snapshots, guest, run };
};

test('creates, lists, shows, changes, runs and deletes a schedule', async (t) => {
  const { context, guest, run, snapshots } = await serve(t);
  const cron = ['--cron', '30 2 * * *', '--timezone', 'UTC'];
  const created = await run('create', 'nightly', ...cron, '--guest', 'web', '--keep', 'daily=7,weekly=4');
  t.is(created.exitCode, 0, created.stderr);
  t.regex(created.stdout, /^schedule nightly: created; next at \d{4}-/);
  const [schedule] = context.schedules.list();
  t.like(schedule, { name: 'nightly', guests: { ids: [guest.id] }, keep: { daily: 7, weekly: 4 } });
  t.regex((await run('list')).stdout, /^nightly +snapshot +1 guest +30 2 \* \* \* +daily=7,weekly=4 /m);

  const ran = await run('run', 'nightly', '--wait');
  t.is(ran.stdout, 'run nightly: done for 1 guest');
  const shown = await run('show', 'nightly');
  t.regex(shown.stdout, /^web +success +/m);
  t.regex((await run('list')).stdout, / success .* ago \(1 guest\)$/m);

  const set = await run(
    'set',
    'nightly',
    '--tag',
    'production',
    '--keep',
    'daily=default,last=3',
    '--disable',
  );
  t.is(set.stdout, 'schedule nightly: changed; disabled');
  const { guests, keep, enabled } = context.schedules.get(schedule?.id ?? '');
  t.deepEqual(
    { guests, keep, enabled },
    {
      guests: { tags: ['production'] },
      keep: { weekly: 4, last: 3 },
      enabled: false,
    },
  );

  t.is((await run('delete', 'nightly')).exitCode, 2);
  t.is((await run('delete', 'nightly', '--yes')).stdout, 'schedule nightly: deleted');
  t.deepEqual(context.schedules.list(), []);
  t.is(snapshots.of(guest.id).length, 1);
});

test('a dry run of a change says what the new retention would delete', async (t) => {
  const { guest, run, snapshots } = await serve(t);
  await run('create', 'hourly', '--cron', '@hourly', '--all');
  await run('run', 'hourly', '--wait');
  await run('run', 'hourly', '--wait');
  const { stdout } = await run('set', 'hourly', '--keep', 'last=1', '--dry-run');
  const [oldest] = snapshots.of(guest.id);
  t.regex(stdout, /^schedule hourly: would be changed; next at /);
  t.true(stdout.endsWith(`its retention deletes 1 snapshot at the next run: ${oldest}`), stdout);
});

test('a schedule that makes nothing keeps nothing', async (t) => {
  const { run } = await serve(t);
  await run('create', 'weekly', '--cron', '@weekly', '--all', '--action', 'verify', '--disable');
  t.regex((await run('list')).stdout, /^weekly +verify +all +@weekly +- +disabled$/m);
  t.regex((await run('show', 'weekly')).stdout, /^keep +-$/m);
});

test('a run that fails for a guest exits with 1 and says why', async (t) => {
  const { run, snapshots } = await serve(t);
  snapshots.before = () => {
    throw new Error('the disk is on fire');
  };
  await run('create', 'hourly', '--cron', '@hourly', '--tag', 'production');
  const { exitCode, stderr } = await run('run', 'hourly', '--wait');
  t.is(exitCode, 1);
  t.regex(stderr, /failed for .*the disk is on fire/);
});

test('explains what is wrong with options', async (t) => {
  const { run } = await serve(t);
  for (const [args, message] of [
    [['create', 'x', '--cron', '@hourly'], /no guests: give --guest, --tag or --all/],
    [
      ['create', 'x', '--cron', '@hourly', '--all', '--tag', 'a'],
      /'--all' cannot be used with option '--tag/,
    ],
    [['create', 'x', '--cron', '@hourly', '--all', '--keep', 'yearly=1'], /"yearly" is not a rule/],
    [['create', 'x', '--cron', 'hourly', '--all'], /"cron" cannot be used: "hourly": give five fields/],
    [['set', 'x'], /nothing to change: give at least one option/],
    [['run', 'x'], /no schedule "x"/],
  ] as const) {
    const { exitCode, stderr } = await run(...args);
    t.not(exitCode, 0);
    t.regex(stderr, message);
  }
});

test('completes the names of schedules', async (t) => {
  const { context, url } = await serve(t);
  await context.schedules.create({ name: 'nightly', guests: { all: true }, cron: '@daily' });
  const { stdout } = await mistify(t, url, 'complete', '--', 'schedule', 'show', '');
  t.regex(stdout, /^nightly\tsnapshot, @daily/m);
});
