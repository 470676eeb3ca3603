import { randomUUID } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import type { BackedUpDisk } from '../../lib/model/backup.js';
import type { Guest, LooseGuest } from '../../lib/model/guest.js';
import { MB } from '../../lib/model/units.js';
import { addGuest, finished, type TestAgentOptions } from '../helpers/agent.js';
import { type Api, serveApi } from '../helpers/api.js';
import type { Method } from '../helpers/scripted.js';

const ID = '7d3c8f0e-52c1-4c29-9c58-1f1f6d3a2b10';
const BACKUP = 'b1f3c8d2-9c58-4c29-8e0e-52c17d3a2b10';
const PATH = `/backups/${BACKUP}/restore`;

const disk = (size: number) => ({ bus: 'virtio', device: '', size, volume: '', image: '', source: '' });
const NIC = { name: 'net0', network: 'br0', model: 'virtio', mac: '52:54:00:12:34:56', vlans: [3] };

/** The guest as it was: it runs, was made from an image, has lost its disk 1, and has a static address. */
const RECORD: LooseGuest & { id: string } = {
  id: ID,
  image: 'debian-12',
  state: 'running',
  memory: 64,
  vnc: 5901,
  disks: [
    { ...disk(8), image: 'debian-12', volume: `guests/${ID}/disk-0`, number: 0 },
    { ...disk(16), bus: 'scsi', number: 2 },
  ],
  bootOrder: ['disk2', 'cd0'],
  cdroms: [{ device: 'cd0', image: 'netinst' }],
  nics: [{ ...NIC, address: '192.0.2.7', netmask: '255.255.255.0', gateway: '192.0.2.1' }],
  metadata: { name: 'web', owner: 'ops' },
  intent: { power: 'on' },
};

const DISKS: BackedUpDisk[] = [
  { disk: '0', size: 8 * MB },
  { disk: '2', size: 16 * MB },
];

const FILES = [{ name: 'nvram.qcow2' }];

const getBackup: Method = ({ backup }) => ({
  backup: {
    ...{ id: backup, guest: ID, host: 'other', created: '2026-01-31T12:00:00Z', consistency: 'crash' },
    ...{ size: 24 * MB, read: 8, stored: 8, disks: DISKS },
  },
  record: RECORD,
  files: FILES,
});

const withBackup = (t: ExecutionContext, { methods, ...options }: TestAgentOptions = {}): Promise<Api> =>
  serveApi(t, { methods: { 'Test.getBackup': getBackup, ...methods }, ...options });

/** Adds the guest of the backup, switched off. */
const addOriginal = ({ context }: Api, guest: LooseGuest = {}): Promise<Guest> =>
  addGuest(context, { ...RECORD, state: 'shutoff', intent: null, ...guest });

const messageOf = (body: unknown): string => (body as Error).message;

test('restores a backup as a new guest with an id, a MAC address and a name of its own', async (t) => {
  const api = await withBackup(t);
  await addOriginal(api);
  const { status, body, jobId } = await api.call('POST', PATH, { name: 'copy' });
  t.is(status, 202);
  const guest = body as Guest;
  t.not(guest.id, ID);
  t.deepEqual(guest, {
    id: guest.id,
    nics: [
      { name: 'net0', network: 'br0', model: 'virtio', address: '', netmask: '', gateway: '', vlans: [3] },
    ],
    disks: [disk(8), { ...disk(16), bus: 'scsi' }],
    cdroms: [{ device: 'cd0', image: '' }],
    bootOrder: ['disk1', 'cd0'],
    state: 'create',
    memory: 64,
    metadata: { name: 'copy', owner: 'ops' },
  });
  t.like(await finished(api.context, jobId), { Status: 'Complete', GuestID: guest.id, BackupID: BACKUP });
  t.like(api.scripted.requests('Test.restoreGuest')[0] as unknown as object, {
    backup: BACKUP,
    restore: {
      disks: [
        { disk: '0', size: 8 * MB },
        { disk: '1', size: 16 * MB },
      ],
      files: FILES,
    },
    disks: [
      { disk: '0', target: '0' },
      { disk: '2', target: '1' },
    ],
    files: true,
  });
});

test('a new guest takes the id that the request names', async (t) => {
  const { call } = await withBackup(t);
  const id = randomUUID();
  t.like((await call('POST', PATH, { id })).body, { id, metadata: { name: 'web' } });
});

test('rejects an id that another guest has, before any sub-agent is asked', async (t) => {
  const api = await withBackup(t);
  const { id } = await addGuest(api.context, { state: 'shutoff' });
  const { status, body } = await api.call('POST', PATH, { id });
  t.is(status, 409);
  t.is(messageOf(body), `guest ${id} already exists: choose another id or leave it out`);
  t.deepEqual(api.scripted.requests('Test.getBackup'), []);
});

test('rejects a new guest whose name another guest has', async (t) => {
  const api = await withBackup(t);
  await addOriginal(api);
  const { status, body } = await api.call('POST', PATH);
  t.is(status, 409);
  t.regex(messageOf(body), /has the name "web"/);
});

test('makes a guest that is not on this host again with its id and its addresses', async (t) => {
  const { call } = await withBackup(t);
  const { status, body } = await call('POST', PATH, { guest: ID });
  t.is(status, 202);
  t.like(body, {
    id: ID,
    nics: [{ ...NIC, address: '192.0.2.7' }],
    metadata: { name: 'web' },
  });
});

test('restores into the guest of the backup', async (t) => {
  const api = await withBackup(t);
  await addOriginal(api);
  const { body, jobId } = await api.call('POST', PATH, { guest: ID });
  t.like(body, { id: ID, state: 'shutoff' });
  t.is((await finished(api.context, jobId)).Status, 'Complete');
  t.like(api.scripted.requests('Test.restoreBackup')[0] as unknown as object, {
    restore: { disks: DISKS, files: FILES },
    disks: [
      { disk: '0', target: '0' },
      { disk: '2', target: '2' },
    ],
    files: true,
  });
});

test('restores one disk, and then not the small files', async (t) => {
  const api = await withBackup(t);
  await addOriginal(api);
  const { jobId } = await api.call('POST', PATH, { guest: ID, disks: ['2'] });
  await finished(api.context, jobId);
  t.like(api.scripted.requests('Test.restoreBackup')[0] as unknown as object, {
    restore: { disks: [DISKS[1]], files: [] },
    disks: [{ disk: '2', target: '2' }],
    files: false,
  });
});

test('starts the guest afterwards when the request says so', async (t) => {
  const api = await withBackup(t);
  await addOriginal(api);
  const { jobId } = await api.call('POST', PATH, { guest: ID, start: true });
  await finished(api.context, jobId);
  const [start] = api.context.jobs.list({ guestId: ID });
  t.is(start?.Action, 'start');
  t.is((await finished(api.context, start?.ID)).Status, 'Complete');
});

test('rejects a restore into a guest that runs', async (t) => {
  const api = await withBackup(t);
  await addOriginal(api, { state: 'running' });
  const { status, body } = await api.call('POST', PATH, { guest: ID });
  t.is(status, 409);
  t.is(messageOf(body), `guest ${ID} is running: shut it down first, then restore it`);
});

test('rejects a restore into a guest that is being backed up, and the other way round', async (t) => {
  const hanging: Method = (_request, { signal }) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))));
  const api = await withBackup(t, {
    methods: { 'Test.createBackup': hanging, 'Test.restoreBackup': hanging },
  });
  await addOriginal(api);
  const { jobId } = await api.call('POST', `/guests/${ID}/backups`);
  const rejected = await api.call('POST', PATH, { guest: ID });
  t.is(rejected.status, 409);
  t.regex(messageOf(rejected.body), new RegExp(`being backed up by job ${jobId}`));
  await api.call('DELETE', `/jobs/${jobId}`);
  const restore = await api.call('POST', PATH, { guest: ID });
  const { status, body } = await api.call('POST', `/guests/${ID}/backups`);
  t.is(status, 409);
  t.regex(messageOf(body), new RegExp(`being restored by job ${restore.jobId}`));
});

test('rejects a restore into another guest', async (t) => {
  const api = await withBackup(t);
  const { id } = await addGuest(api.context, { state: 'shutoff' });
  const { status, body } = await api.call('POST', PATH, { guest: id });
  t.is(status, 409);
  t.is(
    messageOf(body),
    `backup ${BACKUP} is of guest ${ID}, not of ${id}: leave out "guest" to restore it as a new guest`,
  );
});

test('rejects a restore of a disk that the guest no longer has, before anything is changed', async (t) => {
  const api = await withBackup(t);
  await addOriginal(api, { disks: [disk(8)] });
  const { status, body } = await api.call('POST', PATH, { guest: ID });
  t.is(status, 409);
  t.regex(messageOf(body), /has no disk 2 now: restore only the disks that it has/);
  t.deepEqual(api.context.jobs.list(), []);
});

for (const [body, message] of [
  [{ guest: ID, disks: ['7'] }, `backup ${BACKUP} has no disk 7, only 0, 2`],
  [{ guest: ID, name: 'copy' }, /"guest" restores into a guest that keeps its id and its name/],
  [{ disks: ['0'] }, /"disks" needs "guest"/],
  [{ guest: ID, disks: [] }, /"disks" must have at least 1 item/],
  [{ guest: 'web' }, /"guest" must be a UUID/],
] as const)
  test(`rejects ${JSON.stringify(body)} with 400`, async (t) => {
    const api = await withBackup(t);
    await addOriginal(api);
    const { status, body: error } = await api.call('POST', PATH, body);
    t.is(status, 400);
    if (typeof message === 'string') t.is(messageOf(error), message);
    else t.regex(messageOf(error), message);
  });

test('a new guest counts towards the quota', async (t) => {
  const api = await withBackup(t, { quota: { memory: 100 } });
  await addOriginal(api);
  const { status, body } = await api.call('POST', PATH, { name: 'copy' });
  t.is(status, 409);
  t.regex(messageOf(body), /needs 64 MB of memory/);
});

test('a failed restore as a new guest leaves a record in state error, and removes what was made', async (t) => {
  const api = await withBackup(t, {
    methods: {
      'Test.restoreGuest': () => {
        throw new Error('the repository is gone');
      },
    },
  });
  const { body, jobId } = await api.call('POST', PATH);
  const { id } = body as Guest;
  t.like(await finished(api.context, jobId), { Status: 'Error', Message: 'test: the repository is gone' });
  t.like((await api.call('GET', `/guests/${id}`)).body, { state: 'error' });
  t.is(api.scripted.requests('Test.delete').length, 1);
  t.regex(messageOf((await api.call('POST', `/guests/${id}/start`)).body), /the repository is gone/);
});

test('a new guest that the host cannot have is refused before there is a job', async (t) => {
  const api = await withBackup(t, {
    methods: {
      'Test.CheckGuest': () => {
        throw new Error('the bridge br0 does not exist');
      },
    },
    actions: { restoreGuest: [{ check: 'Test.CheckGuest' }] },
  });
  t.is((await api.call('POST', PATH)).status, 502);
  t.deepEqual(api.context.jobs.list(), []);
  t.deepEqual(api.context.guests.list(), []);
});

test('a dry run checks the restore and changes nothing', async (t) => {
  const api = await withBackup(t);
  await addOriginal(api);
  t.is((await api.call('POST', `${PATH}?dryRun=true`, { name: 'copy' })).status, 200);
  t.is((await api.call('POST', `${PATH}?dryRun=true`, { guest: ID })).status, 200);
  t.deepEqual(api.context.jobs.list(), []);
  t.is(api.context.guests.list().length, 1);
});
