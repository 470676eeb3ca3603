import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { addGuest } from '../../helpers/agent.js';
import { type Api, serveApi } from '../../helpers/api.js';
import { mistify } from '../../helpers/command-line.js';
import { BACKED_UP } from '../../helpers/scripted.js';
import { tempDir } from '../../helpers/temp.js';

const BACKUP = '1f3c8d20-9c58-4c29-8e0e-52c17d3a2b10';
const DISK = { bus: 'virtio', device: 'vda', size: 8, volume: '', image: '', source: '' };

const LISTED = {
  ...{ id: BACKUP, guest: BACKED_UP, name: 'web', host: 'h', created: '2026-01-31T12:00:00Z' },
  ...{ consistency: 'filesystem', size: 8_388_608, read: 4096, stored: 2048, disks: [] },
  verified: { at: '2026-02-01T12:00:00Z', ok: false },
};

const withGuest = async (t: ExecutionContext): Promise<Api> => {
  const api = await serveApi(t, { methods: { 'Test.listBackups': () => ({ backups: [LISTED] }) } });
  await addGuest(api.context, {
    id: BACKED_UP,
    state: 'shutoff',
    disks: [DISK],
    metadata: { name: 'web' },
  });
  return api;
};

test.serial('lists backups with their sizes, their age of verification and what is wrong', async (t) => {
  const { url, scripted } = await withGuest(t);
  const { stdout } = await mistify(t, url, 'backup', 'list', 'web');
  t.regex(stdout, /^ID +GUEST +HOST +CREATED +SIZE +READ +STORED +CONSISTENCY +STATUS\n/);
  t.regex(
    stdout,
    /^1f3c8d20 +web +h +2026-01-31T12:00:00Z +8 MB +4 KB +2 KB +filesystem +damaged \d+ \w+ ago$/m,
  );
  t.deepEqual(scripted.requests('Test.listBackups') as unknown[], [{ guest: BACKED_UP }]);
});

test.serial('shows a backup with sizes that can be read', async (t) => {
  const { url } = await withGuest(t);
  const { stdout } = await mistify(t, url, 'backup', 'show', BACKUP);
  t.regex(stdout, /^size +\S+ [KM]B$/m);
  t.regex(stdout, /^read +\S+ [KM]?B$/m);
  t.notRegex(stdout, /TB/);
});

test.serial(
  'finds the backups of a guest that is gone by the name that it had, and makes it again',
  async (t) => {
    const { url, scripted, asked } = await serveApi(t, {
      methods: { 'Test.listBackups': () => ({ backups: [LISTED] }) },
    });
    const listed = await mistify(t, url, 'backup', 'list', 'web');
    t.is(listed.exitCode, 0, listed.stderr);
    t.deepEqual(scripted.requests('Test.listBackups').at(-1) as unknown, { guest: BACKED_UP });
    // There is nothing that could be lost.
    const restored = await mistify(t, url, 'backup', 'restore', BACKUP, '--guest', 'web', '--wait');
    t.notRegex(restored.stderr, /are lost/);
    t.true(asked.includes('POST /backups/{backupID}/restore'));
    const unknown = await mistify(t, url, 'backup', 'list', 'other');
    t.is(unknown.exitCode, 3);
    t.regex(unknown.stderr, /no guest "other", here or in a backup/);
  },
);

test.serial('creates, shows, verifies, restores, deletes and prunes backups', async (t) => {
  const { url, asked } = await withGuest(t);
  for (const [args, request] of [
    ['create web --wait', 'POST /guests/{guestID}/backups'],
    ['show 1f3c8d20', 'GET /backups/{backupID}'],
    ['verify 1f3c8d20 --wait', 'POST /backups/{backupID}/verify'],
    ['restore 1f3c8d20 --name copy --start --wait', 'POST /backups/{backupID}/restore'],
    ['restore 1f3c8d20 --guest web --disk 0 --yes --wait', 'POST /backups/{backupID}/restore'],
    ['delete 1f3c8d20 --yes --wait', 'DELETE /backups/{backupID}'],
    ['prune --wait', 'POST /backups/prune'],
  ] as const) {
    const { exitCode, stderr } = await mistify(t, url, 'backup', ...args.split(' '));
    t.is(exitCode, 0, stderr);
    t.true(asked.includes(request), args);
  }
});

test.serial('prints the ID of the guest that a restore makes', async (t) => {
  const { url, context } = await withGuest(t);
  const { stdout } = await mistify(t, url, 'backup', 'restore', BACKUP, '--name', 'copy', '--wait');
  t.is(context.guests.list().find(({ metadata }) => metadata?.name === 'copy')?.id, stdout);
  const { stdout: into } = await mistify(t, url, 'backup', 'restore', BACKUP, '--guest', 'web', '--yes');
  t.regex(into, /^restore backup \w+: queued as job \w+$/);
});

test.serial('asks before a restore into a guest', async (t) => {
  const { url, context } = await withGuest(t);
  const { exitCode, stderr } = await mistify(t, url, 'backup', 'restore', BACKUP, '--guest', 'web');
  t.is(exitCode, 2);
  t.regex(stderr, /Restore backup 1f3c8d20 into web\? All its disks, as they are now, are lost\./);
  t.deepEqual(context.jobs.list(), []);
});

test.serial('says when no backup begins like that', async (t) => {
  const { url } = await withGuest(t);
  const { exitCode, stderr } = await mistify(t, url, 'backup', 'show', 'ffff');
  t.is(exitCode, 3);
  t.regex(stderr, /no backup "ffff"/);
});

test.serial('downloads a disk of a backup', async (t) => {
  const { url } = await withGuest(t);
  const file = join(await tempDir(t), 'disk.raw');
  const { exitCode, stderr } = await mistify(t, url, 'backup', 'download', BACKUP, '0', '-o', file);
  t.is(exitCode, 0, stderr);
  t.is(await readFile(file, 'utf8'), 'the bytes of the disk');
});
