import { createReadStream, createWriteStream } from 'node:fs';
import { readdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import type { Guest, ImportOptions, Job, MistifyClient } from '../../../lib/client/index.js';
import { needsInTurn } from '../../helpers/needs.js';
import { type RealAgent, startRealAgent } from '../../helpers/real-agent.js';
import { tempDir } from '../../helpers/temp.js';
import { until } from '../../helpers/wait.js';

// Guarantees: G56.

const test = needsInTurn('qemu-system-x86_64', 'qemu-img', 'qemu-nbd', 'qemu-io');

const exportTo = async (t: ExecutionContext, client: MistifyClient, id: string): Promise<string> => {
  const file = join(await tempDir(t), 'guest.tar.zst');
  const { bytes } = await client.guests.export(id);
  await pipeline(bytes, createWriteStream(file));
  return file;
};

const importFrom = async (
  client: MistifyClient,
  file: string,
  options: ImportOptions = {},
): Promise<{ guest: Guest; job: Job }> => {
  const { body, jobId } = await client.guests.import(createReadStream(file), options);
  const job = await client.waitForJob(jobId);
  return { guest: await client.guests.get(body.id), job };
};

const create = async (client: MistifyClient, metadata: Record<string, string> = {}): Promise<string> => {
  const { jobId, body } = await client.guests.create({
    ...{ memory: 64, cpu: 1, disks: [{ size: 8 }, { size: 300, bus: 'sata' }] },
    ...{ nics: [{ network: 'user', model: 'virtio' }], bootOrder: ['disk1'], tags: ['one'] },
    ...{ devices: { watchdog: 'reset' }, metadata: { name: 'web', ...metadata } },
  });
  await client.waitForJob(jobId);
  return body.id;
};

/** Lists what the storage has of guests and unfinished work. */
const stored = async ({ dbpath }: RealAgent): Promise<string[][]> => {
  const store = join(dbpath, 'storage');
  const lists = ['guests', 'tmp', 'imports', 'exports'].map((name) => readdir(join(store, name)));
  return Promise.all(lists);
};

test('a running guest is exported, and imported as a guest of its own that starts', async (t) => {
  const agent = await startRealAgent(t);
  const { client } = agent;
  const id = await create(client, { 'sealed-keys': 'secret.key', 'secret.key': 'abcdefgh', owner: 'ops' });
  const original = await client.guests.get(id);
  t.is(original.state, 'running');
  const { bytes, leftOut } = await client.guests.export(id);
  const file = join(await tempDir(t), 'web.tar.zst');
  await pipeline(bytes, createWriteStream(file));
  t.deepEqual(leftOut, [
    'secrets that no client may read: metadata.secret.key',
    'the memory of the running guest: the guest boots',
    'its snapshots',
  ]);
  const { stdout } = await execa('tar', ['-xOf', file, '--zstd', 'mistify-export.json']);
  t.false(stdout.includes('abcdefgh'));
  const { guest, job } = await importFrom(client, file, { name: 'web2', start: true });
  t.regex(job.Message, /^not in the file: secrets .*; its disks are as they were, with SSH host keys/);
  t.not(guest.id, id);
  t.like(guest, {
    ...{ memory: 64, cpu: 1, tags: ['one'], bootOrder: ['disk1'], devices: { watchdog: 'reset' } },
    ...{ machine: original.machine, cpuModel: original.cpuModel },
    metadata: { name: 'web2', owner: 'ops', 'sealed-keys': 'secret.key' },
  });
  t.not(guest.nics?.[0]?.mac, original.nics?.[0]?.mac);
  t.deepEqual(
    guest.disks?.map(({ bus, size }) => [bus, size]),
    [
      ['virtio', 8],
      ['sata', 300],
    ],
  );
  await until('it runs', async () => (await client.guests.get(guest.id)).state === 'running');
  await until('the snapshot of the export is gone', async () => (await stored(agent))[3]?.length === 0);
  t.deepEqual((await client.snapshotsOf(id).list()).items, []);
});

test('an import gives a name that is taken, a quota and a damaged file in words, and leaves nothing', async (t) => {
  const agent = await startRealAgent(t, (config) => ({ ...config, quota: { guests: 2 } }));
  const { client } = agent;
  const id = await create(client);
  const file = await exportTo(t, client, id);
  await until('the export has ended', async () => (await stored(agent)).slice(1).flat().length === 0);
  const before = (await stored(agent)).slice(0, 3);
  const refused = async (status: number, message: RegExp, options: ImportOptions = {}): Promise<void> => {
    const error = await t.throwsAsync(importFrom(client, file, options), { message });
    t.like(error, { status });
    t.deepEqual((await stored(agent)).slice(0, 3), before);
    t.is((await client.guests.list()).items.length, 1);
  };
  await refused(409, /has the name "web": choose another/);
  await refused(409, /has the name "web": choose another/, { name: 'web' });
  await refused(409, new RegExp(`^guest ${id} exists already`), { identity: 'keep' });
  const other = (await client.guests.create({ memory: 64, disks: [{ size: 1 }] })).jobId;
  await client.waitForJob(other);
  const error = await t.throwsAsync(importFrom(client, file, { name: 'web2' }));
  t.regex(error?.message ?? '', /needs 1 guest, but the quota of this host is 2 guests/);
  for (const guest of (await client.guests.list()).items)
    if (guest.id !== id) await client.waitForJob((await client.guests.delete(guest.id)).jobId);
  await truncate(file, 2000);
  await refused(400, /cannot be unpacked|incomplete/, { name: 'web2' });
  await writeFile(file, 'no guest');
  await refused(400, /^the file is no exported guest/, { name: 'web2' });
});

/** Yields bytes that look like an export at first, for as long as they are wanted. */
async function* endless(): AsyncGenerator<Buffer> {
  yield Buffer.from('no export');
  for (;;) {
    yield Buffer.alloc(2 ** 20);
    await delay(5);
  }
}

test('responds to an upload that it refuses while the client still sends', async (t) => {
  const { client } = await startRealAgent(t);
  const bytes = Readable.from(endless(), { objectMode: false });
  const error = await t.throwsAsync(client.guests.import(bytes, { name: 'web' }));
  t.regex(error?.message ?? '', /^the file is no exported guest/);
});

test('an agent killed during an import leaves nothing, and the guest can be imported again', async (t) => {
  const agent = await startRealAgent(t);
  const { client } = agent;
  const id = await create(client);
  const file = await exportTo(t, client, id);
  await client.waitForJob((await client.guests.delete(id)).jobId);
  const half = createReadStream(file);
  const slow = Readable.from(
    (async function* () {
      for await (const chunk of half) {
        yield chunk.subarray(0, 100);
        await delay(60_000, undefined, { ref: false });
      }
    })(),
    { objectMode: false },
  );
  const sent = client.guests.import(slow);
  await until('it receives', async () => ((await stored(agent))[1]?.length ?? 0) > 0);
  await agent.end('SIGKILL');
  await t.throwsAsync(sent);
  await agent.start();
  t.deepEqual(await stored(agent), [[], [], [], []]);
  const { guest } = await importFrom(client, file, { identity: 'keep' });
  t.is(guest.id, id);
  t.is(guest.state, 'shutoff');
  await client.waitForJob((await client.guests.perform(id, 'start')).jobId);
});

/** Returns the process id of the storage that runs now. */
const storagePid = ({ output }: RealAgent): number => {
  const started = output()
    .split('\n')
    .filter((line) => line.includes('"service":"storage"') && line.includes('"service started"'));
  return (JSON.parse(started.at(-1) ?? '{}') as { pid: number }).pid;
};

test('a storage killed at any moment of an import leaves the whole guest or nothing', async (t) => {
  t.timeout(600_000);
  const agent = await startRealAgent(t);
  const { client } = agent;
  const id = await create(client);
  const file = await exportTo(t, client, id);
  for (let round = 0; round < 6; round += 1) {
    const sent = importFrom(client, file, { name: `web-${round}` }).then(
      ({ guest }) => guest.id,
      () => undefined,
    );
    await delay(Math.random() * 2500);
    const pid = storagePid(agent);
    process.kill(pid, 'SIGKILL');
    const made = await sent;
    await until('another one has started', () => storagePid(agent) !== pid);
    await until('it responds', async () => (await client.services()).every(({ up }) => up));
    const guests = (await client.guests.list()).items;
    const failed = guests.filter(({ state }) => state === 'error');
    for (const guest of failed) await client.waitForJob((await client.guests.delete(guest.id)).jobId);
    if (made) await client.waitForJob((await client.guests.delete(made)).jobId);
    await until('nothing is left', async () => {
      const [guestsInStore = [], work, imports] = await stored(agent);
      const waiting = imports ?? [];
      return guestsInStore.every((name) => name === id || waiting.includes(name)) && work?.length === 0;
    });
  }
  const { guest } = await importFrom(client, file, { name: 'last' });
  t.is(guest.state, 'shutoff');
});

test('an agent killed during an export removes the snapshot after its restart', async (t) => {
  const agent = await startRealAgent(t);
  const { client } = agent;
  const id = await create(client);
  const noise = join(await tempDir(t), 'noise');
  await client.waitForJob((await client.guests.perform(id, 'poweroff')).jobId);
  const source = (await client.guests.get(id)).disks?.[1]?.source ?? '';
  await execa('dd', ['if=/dev/urandom', `of=${noise}`, 'bs=1M', 'count=64', 'status=none']);
  await execa('qemu-io', ['-f', 'qcow2', '-c', `write -s ${noise} 0 64M`, source]);
  await client.waitForJob((await client.guests.perform(id, 'start')).jobId);
  const { bytes } = await client.guests.export(id);
  bytes.on('error', () => {}).pause();
  t.is((await client.snapshotsOf(id).list()).items.length, 2);
  await agent.end('SIGKILL');
  await agent.start();
  await until('it is removed', async () => (await client.snapshotsOf(id).list()).items.length === 0);
  t.deepEqual((await stored(agent)).slice(1), [[], [], []]);
  t.is((await client.guests.get(id)).state, 'running');
});
