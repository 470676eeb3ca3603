import test from 'ava';
import { kindOfEnd, wordsOf } from '../../../../lib/subagents/backup/restic/failure.js';
import { SharedLock } from '../../../../lib/subagents/backup/restic/shared-lock.js';
import {
  backupArgs,
  parseSummary,
  type Snapshot,
} from '../../../../lib/subagents/backup/restic/snapshots.js';
import { backupOf, type NewBackup, tagsOf } from '../../../../lib/subagents/backup/tags.js';
import { describeWhole, whyWhole } from '../../../../lib/subagents/backup/whole.js';
import { gate } from '../../../helpers/wait.js';

for (const [what, exitCode, stderr, kind] of [
  [
    'a full repository that cannot even be locked',
    1,
    'Fatal: unable to create lock in backend: write: no space left on device',
    'no_space',
  ],
  [
    'a lock, by restic 0.14',
    1,
    'Fatal: unable to create lock in backend: repository is already locked by PID 1 on x',
    'locked',
  ],
  ['a lock, by its exit code', 11, '', 'locked'],
  ['a wrong key', 1, 'Fatal: wrong password or no key found', 'wrong_key'],
  ['a missing repository', 1, 'Is there a repository at the following location?\n/x', 'no_repository'],
  [
    'a missing parent',
    1,
    '{"message_type":"exit_error","code":1,"message":"no matching ID found for prefix"}',
    'no_snapshot',
  ],
  [
    'a snapshot that was saved without all files',
    3,
    '{"message_type":"error","error":{"Op":"open"}}',
    'incomplete',
  ],
  ['a flipped byte', 1, 'decrypting blob <data/1> failed: ciphertext verification failed', 'damaged'],
  [
    'a server that cannot be reached',
    1,
    'Load(<data/1>) returned error, retrying: connection refused',
    'other',
  ],
] as const)
  test(`restic's failure is recognised: ${what}`, (t) => t.is(kindOfEnd({ exitCode, stderr }), kind));

test('what restic said is short, without stacks and advice, and has paths in place of open files', (t) => {
  const stderr = [
    'Load(<index/1>) returned error, retrying after 5s: x',
    'Fatal: open /proc/self/fd/5/index: permission denied',
    'github.com/restic/restic/internal/x',
    '\tinternal/x.go:1',
    'runtime.goexit',
  ].join('\n');
  t.is(wordsOf(stderr, new Map([['/proc/self/fd/5', '/repo']])), 'open /repo/index: permission denied');
});

const backup: NewBackup = {
  id: 'b1f3c8d2-9c58-4c29-8e0e-52c17d3a2b10',
  guest: '7d3c8f0e-52c1-4c29-9c58-1f1f6d3a2b10',
  name: 'web, the "first" = 1%',
  host: 'host,1',
  created: '2026-01-31T12:00:00.123Z',
  consistency: 'filesystem',
  read: 5,
  whole: 'a, b',
  disks: [
    { disk: '0', size: 100 },
    { disk: '12', size: 2 ** 41 },
  ],
};

test('tags have no commas, and describe a backup completely', (t) => {
  const tags = tagsOf(backup, 'a-run');
  t.false(tags.some((tag) => tag.includes(',')));
  const snapshot: Snapshot = { id: 'x', time: '', hostname: backup.guest, tags };
  t.deepEqual(backupOf(snapshot), backup);
  t.is(backupOf({ ...snapshot, tags: tags.slice(1) }), undefined);
});

test('a first backup is forced to look for no parent, and others name theirs', (t) => {
  const snapshot = {
    folder: 'g',
    cwd: '/',
    guest: 'g',
    tags: ['a'],
    moment: '2026-01-31T12:00:00.900+01:00',
  };
  const first = backupArgs({ ...snapshot, parent: undefined });
  t.true(first.includes('--force') && !first.includes('--parent'));
  t.true(first.includes('2026-01-31 11:00:00'));
  const next = backupArgs({ ...snapshot, parent: 'abc' });
  t.is(next[next.indexOf('--parent') + 1], 'abc');
  t.false(next.includes('--force'));
});

test('only the summary is taken for one', (t) => {
  t.is(parseSummary('{"message_type":"status"}'), undefined);
  t.is(parseSummary('text'), undefined);
  t.is(parseSummary('{"message_type":"summary","files_new":3}')?.files_new, 3);
});

test('a disk is read completely for one of these reasons', (t) => {
  const base = { last: { backup: 'one', disks: [{ disk: '0', size: 5 }] } };
  const disk = { disk: '0', size: 5, socket: '', export: '', bitmap: 'b', since: 'one' };
  t.is(whyWhole(base, disk), undefined);
  t.is(whyWhole({ why: 'first' }, disk), 'first');
  t.is(whyWhole(base, { ...disk, disk: '1' }), 'it is new');
  t.is(whyWhole(base, { ...disk, size: 6 }), 'its size has changed');
  t.is(whyWhole(base, { ...disk, whole: 'lost' }), 'lost');
  t.regex(whyWhole(base, { ...disk, since: 'two' }) ?? '', /another backup/);
  const { bitmap: _, ...untracked } = disk;
  t.is(whyWhole(base, untracked), 'its changes are not tracked');
  t.is(describeWhole(new Map([['0', undefined]])), undefined);
  t.is(
    describeWhole(
      new Map([
        ['0', 'lost'],
        ['1', 'lost'],
      ]),
    ),
    'lost',
  );
  t.is(
    describeWhole(
      new Map([
        ['0', undefined],
        ['1', 'lost'],
      ]),
    ),
    'disk 1: lost',
  );
});

test('those that share the lock run side by side, and one that needs it alone waits for them', async (t) => {
  const lock = new SharedLock();
  const { signal } = new AbortController();
  const events: string[] = [];
  const [one, two] = [gate(), gate()];
  const work = (name: string, until: Promise<void>) => async (): Promise<void> => {
    events.push(`${name} begins`);
    await until;
    events.push(`${name} ends`);
  };
  const shared = [lock.shared(signal, work('one', one.opened)), lock.shared(signal, work('two', two.opened))];
  const alone = lock.alone(signal, work('alone', Promise.resolve()));
  const given = new AbortController();
  const givesUp = lock.alone(given.signal, work('never', Promise.resolve()));
  given.abort();
  await t.throwsAsync(givesUp);
  two.open();
  one.open();
  await Promise.all([...shared, alone]);
  t.deepEqual(events.slice(0, 2), ['one begins', 'two begins']);
  t.deepEqual(events.slice(-2), ['alone begins', 'alone ends']);
});
