import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import test, { type ExecutionContext } from 'ava';
import type { VolumeBackup } from '../../lib/model/volume-backup.js';
import { serveApi } from '../helpers/api.js';
import { type Script, VOLUME_BACKUP, volumeBackup } from '../helpers/scripted.js';

/** An agent whose volume `shop-data` has a container that runs at each of the times that it is asked. */
const serve = async (t: ExecutionContext, running: readonly boolean[], script: Script = {}) => {
  const received: string[] = [];
  let asked = 0;
  const api = await serveApi(t, {
    ...script,
    methods: {
      'Test.listVolumes': () => {
        const isRunning = running[Math.min(asked, running.length - 1)] ?? false;
        asked += 1;
        return { volumes: [{ name: 'shop-data', guests: [], labels: { team: 'shop' }, running: isRunning }] };
      },
      ...script.methods,
    },
    download: () => Readable.from(['the files'], { objectMode: false }),
    upload: async (request, bytes) => {
      received.push(await text(bytes));
      const { backup, consistency } = request as unknown as { backup: string } & Partial<VolumeBackup>;
      return {
        backup: volumeBackup(backup ? { id: backup, ...(consistency ? { consistency } : {}) } : {}),
        volumes: [{ name: request.name ?? '', guests: [] }],
      };
    },
  });
  return { ...api, received };
};

test('POST /volumes/{name}/backups sends the files of a volume to the repository, in a job', async (t) => {
  const { call, context, scripted, received } = await serve(t, [false]);
  const { status, body, jobId } = await call('POST', '/volumes/shop-data/backups?wait=5');
  t.is(status, 200);
  t.like(body as object, { volume: 'shop-data', consistency: 'still' });
  t.deepEqual(received, ['the files']);
  const { id } = body as VolumeBackup;
  t.like(scripted.requests('/upload')[0] as object, {
    ...{ backup: id, volume: 'shop-data', consistency: 'still', labels: { team: 'shop' } },
  });
  t.like(context.jobs.get(jobId ?? ''), {
    ...{ Action: 'createVolumeBackup', VolumeID: 'shop-data', BackupID: id, GuestID: 'agent', Message: '' },
  });
});

test('a backup says that a container ran meanwhile', async (t) => {
  const { call, context } = await serve(t, [true]);
  const { body, jobId } = await call('POST', '/volumes/shop-data/backups?wait=5');
  t.like(body as object, { consistency: 'changing' });
  t.regex(context.jobs.get(jobId ?? '').Message, /its files may be of different moments/);
});

test('a backup fails, and gets no end of the files, when a container starts meanwhile', async (t) => {
  const { call, received } = await serve(t, [false, false, true]);
  const { status, body } = await call('POST', '/volumes/shop-data/backups?wait=5');
  t.is(status, 409);
  t.regex((body as { message: string }).message, /was started while its files were read: back it up again/);
  t.deepEqual(received, []);
});

test('a backup of an unknown volume is a 404, and a dry run makes none', async (t) => {
  const { call, received } = await serve(t, [false]);
  t.is((await call('POST', '/volumes/none/backups')).status, 404);
  t.is((await call('POST', '/volumes/shop-data/backups?dryRun=true')).status, 200);
  t.deepEqual(received, []);
});

test('a failure of the repository is the failure of the backup', async (t) => {
  const { call } = await serveApi(t, {
    upload: async () => {
      throw new Error('the repository is gone');
    },
  });
  const { status, body } = await call('POST', '/volumes/shop-data/backups?wait=5');
  t.is(status, 500);
  t.regex((body as { message: string }).message, /the repository is gone/);
});

test('GET /volume_backups lists the backups of all volumes, or of one', async (t) => {
  const { call, scripted } = await serve(t, [false]);
  t.deepEqual((await call('GET', '/volume_backups')).body, [volumeBackup()]);
  await call('GET', '/volume_backups?volume=shop-data');
  t.deepEqual(scripted.requests('Test.listVolumeBackups') as object[], [{}, { volume: 'shop-data' }]);
});

test('POST /volume_backups/{id}/restore makes a volume with the labels of the first, and an event follows', async (t) => {
  const labels = { team: 'shop' };
  const { call, received, scripted } = await serve(t, [false], {
    methods: { 'Test.listVolumeBackups': () => ({ backups: [volumeBackup({ labels })] }) },
  });
  const { status, body } = await call('POST', `/volume_backups/${VOLUME_BACKUP}/restore?wait=5`, {
    volume: 'copy',
  });
  t.is(status, 200);
  t.deepEqual(body, [{ name: 'copy', guests: [] }]);
  t.deepEqual(received, ['the files']);
  t.deepEqual(scripted.requests('/upload') as object[], [{ name: 'copy', labels }]);
  const { body: events } = await call('GET', '/events?after=0&limit=1&kind=volume');
  t.regex(String(events), /"change":"created","id":"copy"/);
});

test('a restore refuses the name of a volume that exists, and an unknown backup', async (t) => {
  const { call, received } = await serve(t, [false]);
  const { status, body } = await call('POST', `/volume_backups/${VOLUME_BACKUP}/restore`);
  t.is(status, 409);
  t.regex((body as { message: string }).message, /volume shop-data exists already: .*another name/);
  const unknown = await call('POST', '/volume_backups/6a7e3c52-0d1b-4f0e-9b8a-2f4c5d6e7f80/restore');
  t.is(unknown.status, 404);
  t.deepEqual(received, []);
});

test('a backup is verified and deleted by jobs that name it and its volume', async (t) => {
  const { call, context } = await serve(t, [false]);
  for (const [method, path, action] of [
    ['POST', '/verify', 'verifyVolumeBackup'],
    ['DELETE', '', 'deleteVolumeBackup'],
  ] as const) {
    const { status, jobId } = await call(method, `/volume_backups/${VOLUME_BACKUP}${path}?wait=5`);
    t.is(status, 200);
    const about = { Action: action, BackupID: VOLUME_BACKUP, VolumeID: 'shop-data' };
    t.like(context.jobs.get(jobId ?? ''), about);
  }
});

test('a verification that finds damage fails', async (t) => {
  const verified = { at: new Date().toISOString(), ok: false };
  const { call } = await serve(t, [false], {
    methods: { 'Test.verifyVolumeBackup': () => ({ backup: volumeBackup({ verified, problem: 'a hole' }) }) },
  });
  const { status, body } = await call('POST', `/volume_backups/${VOLUME_BACKUP}/verify?wait=5`);
  t.is(status, 502);
  t.regex((body as { message: string }).message, /is damaged: a hole/);
});
