import { createHash } from 'node:crypto';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { MistifyError } from '../../../lib/client/index.js';
import { buildGuestImage } from '../../../scripts/guest-image.js';
import { bootLinux, finishJob } from '../../helpers/agent-linux.js';
import { needsInTurn } from '../../helpers/needs.js';
import { startRealAgent } from '../../helpers/real-agent.js';
import { tempDir } from '../../helpers/temp.js';
import { until } from '../../helpers/wait.js';

// Guarantees: G57.

const test = needsInTurn('qemu-system-x86_64', 'qemu-img', 'qemu-io');
const BOOT_MS = 240_000;

test('a clone of a running guest boots beside it with an identity of its own', async (t) => {
  const agent = await startRealAgent(t);
  const { client, dbpath } = agent;
  const source = await bootLinux(agent, { metadata: { name: 'web' }, nics: [{ network: 'user' }] });
  const accepted = await client.guests.clone(source.id, { start: true });
  const job = await client.waitForJob(accepted.jobId);
  t.regex(job.Message, /as after a power cut.*SSH host keys and machine-id included/);
  const { id } = accepted.body;
  const log = (): Promise<string> =>
    readFile(join(dbpath, 'qemu/guests', id, 'serial.log'), 'utf8').catch(() => '');
  await until('the clone is up', async () => (await log()).includes('mistify-guest: up'), BOOT_MS);
  const [one, other] = [await client.guests.get(source.id), await client.guests.get(id)];
  t.is(one.state, 'running');
  t.like(other, { state: 'running', metadata: { name: 'web-clone' }, machine: { ...one.machine } });
  t.not(other.nics?.[0]?.mac, one.nics?.[0]?.mac);
  t.not(other.disks?.[0]?.serial, one.disks?.[0]?.serial);
  t.deepEqual((await client.snapshotsOf(source.id).list()).items, []);
});

test('a linked clone of a template takes almost no room, and its image stays as long as it', async (t) => {
  const agent = await startRealAgent(t);
  const { client } = agent;
  const created = await client.guests.create({
    memory: 64,
    disks: [{ size: 64 }],
    metadata: { name: 'base' },
  });
  await client.waitForJob(created.jobId);
  const { id } = created.body;
  await finishJob(agent, client.guests.perform(id, 'poweroff'));
  const source = (await client.guests.get(id)).disks?.[0]?.source ?? '';
  await execa('qemu-io', ['-f', 'qcow2', '-c', 'write -P 0x22 0 32M', source]);
  await finishJob(agent, client.guests.update(id, { template: true }));
  const clone = await client.guests.clone(id, { name: 'one' });
  await client.waitForJob(clone.jobId);
  const [disk] = (await client.guests.get(clone.body.id)).disks ?? [];
  t.true((await stat(disk?.source ?? '')).blocks * 512 < 1024 * 1024);
  await t.notThrowsAsync(execa('qemu-io', ['-f', 'qcow2', '-c', 'read -P 0x22 0 32M', disk?.source ?? '']));
  const error = await t.throwsAsync(client.images.delete(disk?.image ?? ''), { instanceOf: MistifyError });
  t.like(error, { status: 409 });
  await finishJob(agent, client.guests.delete(id));
  await t.notThrowsAsync(execa('qemu-io', ['-f', 'qcow2', '-c', 'read -P 0x22 0 32M', disk?.source ?? '']));
  await finishJob(agent, client.guests.delete(clone.body.id));
  t.deepEqual((await client.images.list()).items, []);
});

/** The sum of what a disk has. */
const contentOf = async (source: string): Promise<string> => {
  const raw = `${source}.raw`;
  await execa('qemu-img', ['convert', '-f', 'qcow2', '-O', 'raw', source, raw]);
  const content = await readFile(raw);
  await rm(raw);
  return createHash('sha256').update(content).digest('hex');
};

const fill = async (source: string, byte: number): Promise<void> => {
  await execa('qemu-io', ['-f', 'qcow2', '-c', `write -P ${byte} 0 1M`, source]);
};

for (const linked of [false, true])
  test(`a ${linked ? 'linked' : 'full'} clone never changes its source, and outlives it`, async (t) => {
    const agent = await startRealAgent(t);
    const { client } = agent;
    const created = await client.guests.create({ memory: 64, disks: [{ size: 4 }] });
    await client.waitForJob(created.jobId);
    const { id } = created.body;
    await finishJob(agent, client.guests.perform(id, 'poweroff'));
    const source = (await client.guests.get(id)).disks?.[0]?.source ?? '';
    await fill(source, 1);
    await finishJob(agent, client.snapshotsOf(id).create('s1'));
    const cloned = await contentOf(source);
    await fill(source, 2);
    const before = { guest: await client.guests.get(id), content: await contentOf(source) };

    const clone = await client.guests.clone(id, { snapshot: 's1', linked });
    await client.waitForJob(clone.jobId);
    const [disk] = (await client.guests.get(clone.body.id)).disks ?? [];
    t.is(await contentOf(disk?.source ?? ''), cloned);
    await fill(disk?.source ?? '', 3);
    t.deepEqual({ guest: await client.guests.get(id), content: await contentOf(source) }, before);
    t.is((await client.snapshotsOf(id).list()).items.length, 1);

    const written = await contentOf(disk?.source ?? '');
    await finishJob(agent, client.snapshotsOf(id).delete('s1'));
    if (linked) await t.throwsAsync(client.images.delete(disk?.image ?? ''), { message: /in use/ });
    await finishJob(agent, client.guests.delete(id));
    if (linked) await t.throwsAsync(client.images.delete(disk?.image ?? ''), { message: /in use/ });
    t.is(await contentOf(disk?.source ?? ''), written);
  });

test('an upload continues after the agent was killed in the middle of it', async (t) => {
  const agent = await startRealAgent(t);
  const { client } = agent;
  const file = join(await tempDir(t), 'image');
  await execa('qemu-img', ['convert', '-O', 'raw', await buildGuestImage(), file]);
  const bytes = await readFile(file);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  let isKilled = false;
  const read = async (position: number, length: number): Promise<Buffer> => {
    if (position > 0 && !isKilled) {
      isKilled = true;
      await agent.end('SIGKILL');
      void agent.start();
    }
    return bytes.subarray(position, position + length);
  };
  const received: number[] = [];
  const accepted = await client.images.upload(
    'tiny',
    { size: bytes.length, read },
    { sha256, onProgress: (count) => received.push(count) },
  );
  await client.waitForJob(accepted.jobId);
  t.true(isKilled);
  t.is(received.filter((count) => count === 0).length, 1);
  t.like(await client.images.get('tiny'), { id: 'tiny', status: 'complete' });
  const copy = join(await tempDir(t), 'copy');
  const { bytes: stored } = await client.images.download('tiny');
  await writeFile(copy, stored);
  await t.notThrowsAsync(execa('qemu-img', ['compare', '-f', 'raw', '-F', 'qcow2', file, copy]));
});
