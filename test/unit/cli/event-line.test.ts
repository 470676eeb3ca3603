import test from 'ava';
import { coloursFor } from '../../../lib/cli/colours.js';
import { eventLine } from '../../../lib/cli/event-line.js';

const plain = coloursFor({ isTTY: false } as typeof process.stdout);
const line = (event: string, data: unknown, names = new Map<string, string>()): string =>
  eventLine({ id: '1', event, data }, names, plain);

const ID = '6a7e3c52-0d1b-4f0e-9b8a-2f4c5d6e7f80';

test('formats a job event with action, guest, status and percentage', (t) => {
  const job = { Action: 'fetchImage', GuestID: 'agent', Status: 'Running', Message: '12 of 48 MB, 25%' };
  t.is(
    line('job', { kind: 'job', change: 'changed', id: 'j', percent: 25, job }),
    'job changed j fetchImage agent Running 25% 12 of 48 MB, 25%',
  );
});

test('formats a service event with the reason', (t) => {
  t.is(
    line('service', { change: 'down', id: 'qemu', reason: 'the stream ended' }),
    'service down qemu the stream ended',
  );
});

test('formats the event of a backup, and a job that works with one', (t) => {
  const names = new Map([[ID, 'web']]);
  const backup = '1f3c8d20-9c58-4c29-8e0e-52c17d3a2b10';
  t.is(
    line('backup', { change: 'created', id: backup, guest: ID }, names),
    'backup created 1f3c8d20 of guest 6a7e3c52 web',
  );
  const job = {
    ...{ Action: 'createBackup', GuestID: ID, Status: 'Queued', Message: '' },
    BackupID: backup,
  };
  t.is(
    line('job', { change: 'queued', id: 'j', job }, names),
    'job queued j createBackup 6a7e3c52 web backup 1f3c8d20',
  );
});

test('formats the outcome of a run of a schedule, and a skipped one', (t) => {
  const names = new Map([[ID, 'web']]);
  const schedule = { name: 'nightly' };
  const run = { guest: ID, outcome: 'error', message: 'the disk is full' };
  t.is(
    line('schedule', { change: 'ended', id: 's', schedule, run }, names),
    'schedule ended s nightly 6a7e3c52 web error the disk is full',
  );
  const skipped = { reason: 'it has no guests' };
  t.is(
    line('schedule', { change: 'skipped', id: 's', schedule, skipped }),
    'schedule skipped s nightly it has no guests',
  );
});

test('formats the range of missed events', (t) => {
  t.is(line('missed', { after: 1, before: 9 }), 'missed after=1 before=9');
});

test('formats a guest with its short ID and name, and remembers the name', (t) => {
  const names = new Map<string, string>();
  const guest = { state: 'running', metadata: { name: 'web' } };
  t.is(line('guest', { change: 'changed', id: ID, guest }, names), 'guest changed 6a7e3c52 web running');
  const warned = { ...guest, state: 'shutoff', warnings: ['no such machine'] };
  t.is(
    line('guest', { change: 'changed', id: ID, guest: warned }, names),
    'guest changed 6a7e3c52 web shutoff warning: no such machine',
  );
  const job = { Action: 'start', GuestID: ID, Status: 'Queued', Message: '' };
  t.is(line('job', { change: 'queued', id: 'j', job }, names), 'job queued j start 6a7e3c52 web');
});

test('escapes control characters', (t) => {
  t.is(line('\u001b', { change: '\u0007', id: 'a\nb', reason: '\u009b' }), '\\x1b \\x07 a\\nb \\x9b');
  t.is(line('missed', { after: '\u001b' }), 'missed after=\\x1b');
});
