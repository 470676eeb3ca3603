import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import type { Guest } from '../../../lib/model/guest.js';
import { grantOf } from '../../../lib/model/rights.js';
import { addGuest } from '../../helpers/agent.js';
import { serveApi } from '../../helpers/api.js';
import { mistify } from '../../helpers/command-line.js';
import { makeToken, serveGuarded } from '../../helpers/guarded.js';
import { METRICS } from '../../helpers/scripted.js';
import { tempDir } from '../../helpers/temp.js';

const ID = '6a7e3c52-0d1b-4f0e-9b8a-2f4c5d6e7f80';

// One program at a time, because each needs much of a core to start.
test.serial('creates a guest from options and waits for the job', async (t) => {
  const { url, context, scripted } = await serveApi(t);
  const options = '--image debian-12 --memory 512 --cpu 1 --disk 10240 --nic br0 --metadata k=v --wait';
  const { exitCode, stdout, stderr } = await mistify(t, url, 'guest', 'create', ...options.split(' '));
  t.is(exitCode, 0, stderr);
  t.is(context.guests.list()[0]?.id, stdout);
  t.is(stderr.replace(/in [\d.]+ s$/, ''), `create ${stdout}: done `);
  const [request] = scripted.requests('Test.create');
  t.like(request?.guest, {
    memory: 512,
    cpu: 1,
    disks: [{ image: 'debian-12', size: 10_240 }],
    nics: [{ network: 'br0', model: 'virtio' }],
    metadata: { k: 'v' },
  });
  t.is(context.guests.list()[0]?.state, 'running');
});

test.serial('lists guests as a table, as JSON, and with selected fields', async (t) => {
  const { url, context } = await serveApi(t);
  const metadata = { name: 'web' };
  await addGuest(context, { id: ID, memory: 512, cpu: 1, image: 'debian-12', metadata });
  const table = await mistify(t, url, 'guest', 'list');
  t.regex(table.stdout, /^ID +NAME +STATE +ADDRESS +CPU +MEMORY +IMAGE +TAGS\n/);
  t.regex(table.stdout, /^6a7e3c52-\S+ {2}web {3}running {13}1 {2}512 MB {2}debian-12$/m);
  const json = await mistify(t, url, 'guest', 'list', '--json');
  t.deepEqual(JSON.parse(json.stdout), context.guests.list());
  const fields = await mistify(t, url, '--json', 'guest', 'list', '--fields', 'id,state');
  t.deepEqual(JSON.parse(fields.stdout), [{ id: ID, state: 'running' }]);
  const columns = await mistify(t, url, 'guest', 'list', '--fields', 'name,memory');
  t.is(columns.stdout, 'NAME  MEMORY\nweb   512 MB');
  const named = await mistify(t, url, '--json', 'guest', 'list', '--fields', 'name,memory');
  t.deepEqual(JSON.parse(named.stdout), [{ name: 'web', memory: 512 }]);
});

test.serial(
  'shortens the id of an image that linked clones build on, except in JSON and in chosen fields',
  async (t) => {
    const id = `linked/${ID}/disk-0@clean.1722943234.123456789`;
    const images = [{ id, type: 'kvm', size: 64 }];
    const { url, context } = await serveApi(t, { methods: { 'Test.listImages': () => ({ images }) } });
    await addGuest(context, { id: ID, image: id });
    for (const list of ['image', 'guest']) {
      t.regex((await mistify(t, url, list, 'list')).stdout, / ?linked\/6a7e3c52…\/disk-0@clean\.172294323…/);
      t.true((await mistify(t, url, list, 'list', '--json')).stdout.includes(`"${id}"`));
    }
    t.true((await mistify(t, url, 'image', 'list', '--fields', 'id')).stdout.startsWith(`ID\n${id}\n`));
  },
);

test.serial('escapes control characters in JSON', async (t) => {
  const { url, context } = await serveApi(t);
  await addGuest(context, { id: ID, metadata: { name: '\u009b2J' } });
  for (const args of [
    ['guest', 'list'],
    ['guest', 'show', ID],
    ['top', '-n', '0.1'],
  ]) {
    const { stdout } = await mistify(t, url, ...args, '--json');
    t.true(stdout.includes('"\\u009b2J"'), stdout);
  }
});

test.serial('reports an empty list, in JSON too', async (t) => {
  const { url } = await serveApi(t);
  t.like(await mistify(t, url, 'guest', 'list'), { exitCode: 0, stdout: '' });
  t.like(await mistify(t, url, 'guest', 'list', '--json'), { exitCode: 0, stdout: '[]', stderr: '' });
});

test.serial('finds a guest by ID, the beginning of its ID, or name', async (t) => {
  const { url, context } = await serveApi(t);
  await addGuest(context, { id: ID, metadata: { name: 'web' } });
  await addGuest(context, { metadata: { name: 'twin' } });
  await addGuest(context, { metadata: { name: 'twin' } });
  for (const name of [ID, ID.toUpperCase(), '6a7e3c52', 'web']) {
    const { stdout } = await mistify(t, url, 'guest', 'show', name, '--json');
    t.is((JSON.parse(stdout) as Guest).id, ID, name);
  }
  const none = await mistify(t, url, 'guest', 'show', 'missing');
  t.like(none, { exitCode: 3, stdout: '' });
  t.regex(none.stderr, /no guest "missing"\n.*mistify guest list/);
  const several = await mistify(t, url, 'guest', 'show', 'twin');
  t.is(several.exitCode, 2);
  t.regex(several.stderr, /"twin" matches several guests: \S+ \(twin\), \S+ \(twin\)/);
});

test.serial('asks for a reboot with a timeout, and for a reset after it', async (t) => {
  const { url, context, scripted } = await serveApi(t);
  await addGuest(context, { id: ID, metadata: { name: 'web' } });
  const { exitCode, stderr } = await mistify(
    t,
    url,
    ...['guest', 'reboot', 'web', '--within', '90', '--force', '--wait'],
  );
  t.is(exitCode, 0, stderr);
  t.deepEqual(scripted.requests('Test.reboot')[0]?.args, { timeout: '90', force: 'true' });
  t.not((await mistify(t, url, 'guest', 'shutdown', 'web', '--within', '0')).exitCode, 0);
});

test.serial('moves a guest on to the hardware that the options name', async (t) => {
  const { url, context, scripted } = await serveApi(t);
  await addGuest(context, { id: ID, metadata: { name: 'web' } });
  const { exitCode, stderr } = await mistify(
    t,
    url,
    ...['guest', 'upgrade-machine', 'web', '--type', 'pc-q35-9.2', '--cpu-model', 'Nehalem', '--wait'],
  );
  t.is(exitCode, 0, stderr);
  t.deepEqual(scripted.requests('Test.upgradeMachine')[0]?.args, { type: 'pc-q35-9.2', cpuModel: 'Nehalem' });
});

test.serial('warms a template as the options say, cools it, and lets a clone boot', async (t) => {
  const { url, context, scripted } = await serveApi(t);
  await addGuest(context, { id: ID, state: 'shutoff', template: true, metadata: { name: 'base' } });
  const warmed = await mistify(
    t,
    url,
    ...['guest', 'warm', 'base', '--serial', 'login:', '--within', '60', '--shared-randomness', '--wait'],
  );
  t.is(warmed.exitCode, 0, warmed.stderr);
  t.deepEqual(scripted.requests('Test.warm')[0]?.change, {
    ...{ ready: { serial: 'login:' }, timeout: 60, randomness: 'shared' },
  });
  t.is((await mistify(t, url, 'guest', 'cool', 'base', '--wait')).exitCode, 0);
  t.is(scripted.requests('Test.cool').length, 1);
  t.is((await mistify(t, url, 'guest', 'clone', 'base', '--cold', '--wait')).exitCode, 0);
  t.is((await mistify(t, url, 'guest', 'warm', 'base', '--serial', 'a', '--after', '1')).exitCode, 2);
});

test.serial('marks guests with warnings in the list, and shows each warning once', async (t) => {
  const { url, context } = await serveApi(t);
  const warnings = ['machine type pc-q35-1.0 is deprecated'];
  await addGuest(context, { id: ID, state: 'shutoff', reason: 'shutdown', warnings });
  await addGuest(context, { warnings: ['one', 'two'] });
  const { stdout } = await mistify(t, url, 'guest', 'list');
  t.regex(stdout, /shutoff \(shutdown\), 1 warning$/m);
  t.regex(stdout, /running, 2 warnings$/m);
  const shown = await mistify(t, url, 'guest', 'show', ID);
  t.is(`${shown.stdout}${shown.stderr}`.split('pc-q35-1.0 is deprecated').length, 2);
});

for (const action of [
  'start',
  'shutdown',
  'poweroff',
  'reboot',
  'restart',
  'suspend',
  'resume',
  'save',
  'delete',
])
  test.serial(`guest ${action} queues a job and prints it as JSON`, async (t) => {
    const { url, context, asked } = await serveApi(t);
    await addGuest(context, { id: ID });
    const confirmed = action === 'delete' ? ['--yes'] : [];
    const { exitCode, stdout, stderr } = await mistify(
      t,
      url,
      'guest',
      action,
      ID,
      '--wait',
      '--json',
      ...confirmed,
    );
    t.is(exitCode, 0, stderr);
    t.like(JSON.parse(stdout), { GuestID: ID, Action: action, Status: 'Complete' });
    t.true(asked.includes(`POST /guests/{guestID}/${action}`));
  });

test.serial('a dry run changes nothing', async (t) => {
  const { url, context } = await serveApi(t);
  await addGuest(context, { id: ID });
  t.like(await mistify(t, url, 'guest', 'delete', ID, '--dry-run'), {
    exitCode: 0,
    stdout: 'delete 6a7e3c52: would be accepted; nothing was changed',
    stderr: 'not checked, so that it may still fail: test Test.delete',
  });
  t.deepEqual(context.jobs.list(), []);
});

test.serial('shows all metrics, or one type', async (t) => {
  const { url, context } = await serveApi(t);
  await addGuest(context, { id: ID });
  const all = await mistify(t, url, 'guest', 'metrics', ID);
  t.regex(all.stdout, /^VCPU.*\n0 +1\.50 s +2\.50 s\n\nDISK.*\nvda .*\n\nNIC.*\nnet0 /);
  const cpu = await mistify(t, url, 'guest', 'metrics', ID, 'cpu', '--json');
  t.deepEqual(JSON.parse(cpu.stdout), [{ cpu_time: 1.5, vcpu_time: 2.5 }]);
});

test.serial('lists, shows, fetches and deletes images of both types', async (t) => {
  const { url, scripted } = await serveApi(t);
  t.regex((await mistify(t, url, 'image', 'list')).stdout, /^kvm-image +kvm +64 MB$/m);
  t.regex((await mistify(t, url, 'image', 'list', '--container')).stdout, /^container-image /m);
  t.regex((await mistify(t, url, 'image', 'show', 'x')).stdout, /^size +64 MB$/m);
  const source = 'http://192.0.2.1/x';
  const fetched = await mistify(t, url, 'image', 'fetch', 'x', source, '--wait');
  t.regex(fetched.stdout, /^fetch x: done/);
  t.like(scripted.requests('Test.fetchImage')[0], { id: 'x', source });
  t.is((await mistify(t, url, 'image', 'delete', 'x', '--container', '--wait')).exitCode, 0);
  t.is(scripted.requests('Test.containerDeleteImage').length, 1);
});

test.serial('lists, creates, rolls back to and deletes snapshots of one disk or all', async (t) => {
  const { url, context, asked } = await serveApi(t);
  const disk = { bus: 'virtio', device: 'vda', size: 8, volume: '', image: '', source: '' };
  await addGuest(context, { id: ID, state: 'shutoff', disks: [disk], metadata: { name: 'web' } });
  t.regex((await mistify(t, url, 'snapshot', 'list', 'web')).stdout, /^NAME +DISK +SIZE/);
  for (const [args, route] of [
    ['create web monday', 'POST /guests/{guestID}/snapshots'],
    ['set web monday --description nightly', 'PATCH /guests/{guestID}/snapshots/{name}'],
    ['create web running --memory', 'POST /guests/{guestID}/snapshots'],
    ['rollback web running --no-memory --poweroff --yes', 'POST /guests/{guestID}/snapshots/{name}/rollback'],
    ['create web monday --disk vda', 'POST /guests/{guestID}/disks/{diskID}/snapshots'],
    ['rollback web monday --destroy-more-recent --yes', 'POST /guests/{guestID}/snapshots/{name}/rollback'],
    ['delete web monday --yes', 'DELETE /guests/{guestID}/snapshots/{name}'],
  ] as const) {
    const { exitCode, stderr } = await mistify(t, url, 'snapshot', ...args.split(' '), '--wait');
    t.is(exitCode, 0, stderr);
    t.true(asked.includes(route), route);
  }
});

test.serial('downloads a snapshot to a file or to standard output', async (t) => {
  const { url, context } = await serveApi(t);
  await addGuest(context, { id: ID });
  const file = join(await tempDir(t), 'disk.raw');
  const download = ['snapshot', 'download', ID, 'monday', '--disk', '0'];
  t.is((await mistify(t, url, ...download, '-o', file)).stdout, `${file}: 21 B`);
  t.is(await readFile(file, 'utf8'), 'the bytes of the disk');
  t.is((await mistify(t, url, ...download, '-o', '-')).stdout, 'the bytes of the disk');
  const again = await mistify(t, url, ...download, '-o', file);
  t.is(again.exitCode, 2);
  t.regex(again.stderr, /already exists\n.*--force/);
});

test.serial('lists, shows, waits for and cancels jobs', async (t) => {
  const { url, context } = await serveApi(t);
  await addGuest(context, { id: ID, state: 'shutoff' });
  await mistify(t, url, 'guest', 'start', ID, '--wait');
  const [job] = context.jobs.list();
  const short = job?.ID.slice(0, 8) ?? '';
  t.regex(
    (await mistify(t, url, 'job', 'list', '--guest', ID)).stdout,
    new RegExp(`^${short} +6a7e3c52 +start +local +Complete +.* ago`, 'm'),
  );
  t.regex((await mistify(t, url, 'job', 'show', short)).stdout, /^Status +Complete$/m);
  t.regex((await mistify(t, url, 'job', 'wait', short)).stdout, /^start, job \S+: done in/);
  const cancelled = await mistify(t, url, 'job', 'cancel', short);
  t.is(cancelled.exitCode, 6);
  t.regex(cancelled.stderr, /has already ended/);
});

test.serial('sets, removes and shows metadata of the host and of a guest', async (t) => {
  const { url, context } = await serveApi(t);
  await addGuest(context, { id: ID, metadata: { old: '1' } });
  await mistify(t, url, 'metadata', 'set', 'rack=r1', 'row=2');
  t.is((await mistify(t, url, 'metadata', 'show')).stdout, 'rack  r1\nrow   2');
  await mistify(t, url, 'metadata', 'set', '--guest', ID, 'old=', 'name=web=1');
  const { stdout } = await mistify(t, url, 'metadata', 'show', '--guest', ID, '--json');
  t.deepEqual(JSON.parse(stdout), { name: 'web=1' });
});

test.serial('top shows the load of the guests', async (t) => {
  const { url, context } = await serveApi(t, {
    methods: { 'Test.allMetrics': () => ({ guests: [{ guest: ID, ...METRICS }] }) },
  });
  await addGuest(context, { id: ID, memory: 64, metadata: { name: 'web' } });
  await addGuest(context, { state: 'shutoff' });
  const { stdout } = await mistify(t, url, 'top', '-n', '0.1');
  t.regex(stdout, /^GUEST +NAME +STATE +CPU % +MEMORY +READ\/S +WRITE\/S +RECV\/S +SENT\/S\n/);
  t.regex(stdout, /^6a7e3c52 +web +running +0\.0 +64 MB +0 B +0 B +0 B +0 B$/m);
  t.regex(stdout, /shutoff$/m);
});

test.serial('lists the disks of a guest and what they take', async (t) => {
  const disk = { bus: 'virtio', device: 'vda', size: 2048, volume: 'guests/a/disk-0', image: 'debian' };
  const { url, context } = await serveApi(t, {
    methods: { 'Test.diskUse': () => ({ disks: [{ volume: disk.volume, used: 312 }] }) },
  });
  await addGuest(context, { id: ID, disks: [{ ...disk, source: '', serial: 'disk0-6a7e3c52' }] });
  t.regex(
    (await mistify(t, url, 'guest', 'disk', 'list', ID)).stdout,
    /^DISK +DEVICE +SERIAL +SIZE +USED +BUS +IMAGE\n +0 +vda +disk0-6a7e3c52 +2 GB +312 MB +virtio +debian$/,
  );
  t.like(JSON.parse((await mistify(t, url, 'guest', 'disk', 'list', ID, '--json')).stdout), [{ used: 312 }]);
});

test.serial('adds, grows and removes disks', async (t) => {
  const disk = { bus: 'virtio', device: 'vda', size: 2048, volume: 'guests/a/disk-0', image: '', source: '' };
  const { url, context, scripted } = await serveApi(t);
  await addGuest(context, { id: ID, disks: [disk], metadata: { name: 'web' } });
  const run = (...words: string[]) => mistify(t, url, 'guest', 'disk', ...words, '--wait');
  await run('add', 'web', '--size', '10G', '--bus', 'scsi');
  await run('grow', 'web', 'vda', '--size', '4096');
  t.like(await run('remove', 'web', '0'), {
    stderr:
      'error: Remove disk 0 (guests/a/disk-0, 2 GB) from guest web and delete its data? No terminal to ask at\nTo do it without a question, give --yes.',
  });
  const unknown = await run('remove', 'web', '7');
  t.regex(unknown.stderr, /^error: .*disk.* 7/);
  t.notRegex(unknown.stderr, /delete its data/);
  await run('remove', 'web', '0', '--keep');
  await run('remove', 'web', '0', '--yes', '--force');
  t.deepEqual(
    scripted.calls.map(({ request }) => (request as { change: unknown }).change),
    [
      { disk: { size: 10_240, image: null, bus: 'scsi', volume: null } },
      { disk: 0, size: 4096 },
      { disk: 0, keep: true, force: false },
      { disk: 0, keep: false, force: true },
    ],
  );
});

test.serial('names the image in jobs of images', async (t) => {
  const { url } = await serveApi(t);
  await mistify(t, url, 'image', 'fetch', 'debian-12', '--wait');
  t.regex((await mistify(t, url, 'job', 'list')).stdout, /^\S+ +debian-12 +fetchImage +local +Complete/m);
});

test.serial('says which changed metadata a guest gets at its next start', async (t) => {
  const { url, context } = await serveApi(t);
  await addGuest(context, { id: ID });
  const { stderr } = await mistify(t, url, 'metadata', 'set', '--guest', ID, 'hostname=web-1', 'owner=ops');
  t.is(
    stderr,
    'the guest gets the changed hostname at its next start: shut it down and start it; reboot is not enough',
  );
  t.is((await mistify(t, url, 'metadata', 'set', '--guest', ID, 'owner=dev')).stderr, '');
});

test.serial('says which keys sealed-keys lists and the metadata does not have', async (t) => {
  const { url, context } = await serveApi(t);
  await addGuest(context, { id: ID, metadata: { token: 'x', 'user-data': 'y', 'sealed-keys': 'user-data' } });
  const set = async (...changes: string[]): Promise<string> =>
    (await mistify(t, url, 'metadata', 'set', '--guest', ID, ...changes)).stderr;
  const note = (keys: string) =>
    `sealed-keys lists ${keys}, which the metadata does not have: check the spelling`;
  t.is(await set('sealed-keys=user-data, tokn token new', 'new=z'), note('tokn'));
  t.is(await set('sealed-keys=user-data token new'), '');
  const create = ['guest', 'create', '--image', 'i', '--memory', '64', '--cpu', '1', '--dry-run'];
  const { stderr } = await mistify(
    t,
    url,
    ...create,
    '--metadata',
    'sealed-keys=passwd',
    '--metadata',
    'a=b',
  );
  t.true(stderr.includes(note('passwd')), stderr);
});

test.serial('shows who the client is, what it may do, and what its guests have', async (t) => {
  const { api, dbpath } = await serveGuarded(t, { quota: { owners: { '*': { memory: 8192 } } } });
  const grants = [grantOf(['power', 'change'], { tags: ['web'] })];
  await addGuest(api.context, { owner: 'bob', memory: 1024 });
  const file = join(await tempDir(t), 'token');
  await writeFile(file, await makeToken(dbpath, 'bob', grants));
  const whoami = (...args: string[]) => mistify(t, api.url, 'whoami', '--token-file', file, ...args);
  const { stdout } = await whoami();
  t.regex(stdout, /^name +bob\nrights +look,power,change\nfor guests +tag=web\nown guests +1\n/);
  t.regex(stdout, /^their memory +1 GB of 8 GB$/m);
  t.like(JSON.parse((await whoami('--json')).stdout), { name: 'bob', owner: 'bob', grants });
});

test.serial('lists the services, and why some are down', async (t) => {
  const { url } = await serveApi(t, { services: { storage: { port: 1 } } });
  const { stdout } = await mistify(t, url, 'services');
  t.regex(stdout, /^SERVICE +PART +STATE +REASON$/m);
  t.regex(stdout, /^test +virtual machines, .* +up$/m);
  t.regex(stdout, /^storage +storage +down +\S.*ECONNREFUSED/m);
});

test.serial('shows the space of the storage and what deleted guests still take', async (t) => {
  const leftover = 'tank/guests/a still takes 1 MB: it is held';
  const space = { size: 2048, free: 512, used: 1536, leftovers: [leftover] };
  const { url } = await serveApi(t, { methods: { 'Test.storageSpace': () => space } });
  t.is((await mistify(t, url, 'storage')).stdout, `size  2 GB\nused  1.5 GB\nfree  512 MB\n${leftover}`);
  t.deepEqual(JSON.parse((await mistify(t, url, 'storage', '--json')).stdout), space);
});

test.serial('lists networks, why a guest may not use one, and what could not be listed', async (t) => {
  const listed = {
    networks: [
      { name: 'br0', kind: 'bridge', guests: ['vm', 'container'], subnets: ['192.0.2.0/24'], usable: true },
      {
        ...{ name: 'host', kind: 'engine', guests: ['container'], driver: 'host', subnets: [] },
        ...{ usable: false, reason: "network host is the host's own" },
      },
    ],
    problems: ['Open vSwitch bridges are unknown: it hangs'],
  };
  const { url } = await serveApi(t, { methods: { 'Test.networks': () => listed } });
  const { stdout, stderr } = await mistify(t, url, 'networks');
  t.regex(stdout, /^NETWORK +KIND +GUESTS +SUBNETS +USABLE +REASON$/m);
  t.regex(stdout, /^br0 +bridge +vm, container +192\.0\.2\.0\/24 +yes$/m);
  t.regex(stdout, /^host +engine \(host\) +container +no +network host is the host's own$/m);
  t.is(stderr, 'Open vSwitch bridges are unknown: it hangs');
  t.deepEqual(JSON.parse((await mistify(t, url, 'networks', '--json')).stdout), listed);
});
