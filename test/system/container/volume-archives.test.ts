import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import ava, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import tar from 'tar-stream';
import { containerName } from '../../../lib/subagents/container/definition.js';
import { mistify } from '../../helpers/command-line.js';
import { startContainerAgent } from '../../helpers/container-agent.js';
import { newGuest, SharedEngine } from '../../helpers/containers.js';
import { needsEngineInTurn as test } from '../../helpers/engines/chosen.js';
import type { RealAgent } from '../../helpers/real-agent.js';
import { tempDir } from '../../helpers/temp.js';
import { until } from '../../helpers/wait.js';

const shared = new SharedEngine();
ava.after.always(() => shared.stop());

const newName = (): string => `data-${randomUUID().slice(0, 8)}`;

const start = async (t: ExecutionContext): Promise<RealAgent> =>
  startContainerAgent(t, (await shared.engine()).socket);

/** Starts a guest that has a volume mounted at /data; returns what runs a line in it. */
const withVolume = async ({ client }: RealAgent, name: string) => {
  const { id: _, ...spec } = newGuest({
    container: { command: ['sleep', '600'], mounts: [{ type: 'volume', source: name, target: '/data' }] },
  });
  const created = await client.guests.create(spec);
  await client.waitForJob(created.jobId);
  const engine = await shared.engine();
  return (line: string): Promise<string> =>
    engine.run('exec', containerName(created.body.id), '/bin/busybox', 'sh', '-c', line);
};

const archive = (
  ...entries: (Partial<tar.Header> & { name: string } & { text?: string })[]
): Promise<Buffer> => {
  const pack = tar.pack();
  for (const { text = '', ...header } of entries) pack.entry(header, text);
  pack.finalize();
  return buffer(pack);
};

const names = async ({ client }: RealAgent): Promise<string[]> =>
  (await client.volumes.list()).items.map(({ name }) => name);

test('the files of a volume become another volume, with their owners and permissions', async (t) => {
  const agent = await start(t);
  const [name, copy] = [newName(), newName()];
  const run = await withVolume(agent, name);
  await run(
    'mkdir /data/d && echo hello > /data/d/file && chown 12:34 /data/d/file && chmod 640 /data/d/file',
  );
  await run('ln -s d/file /data/link && ln /data/d/file /data/hard');
  const file = join(await tempDir(t), 'data.tar');
  const downloaded = await mistify(t, agent.url, 'volume', 'download', name, '-o', file);
  t.is(downloaded.exitCode, 0, downloaded.stderr);
  t.regex((await execa('tar', ['-tvf', file])).stdout, /-rw-r----- 12\/34 .* \.\/(d\/file|hard)$/m);
  const uploaded = await mistify(t, agent.url, 'volume', 'upload', file, copy);
  t.is(uploaded.exitCode, 0, uploaded.stderr);
  t.is(uploaded.stdout, `volume ${copy}: created`);
  const there = await withVolume(agent, copy);
  t.is(await there('cat /data/link /data/hard'), 'hello\nhello');
  t.is(await there('/bin/busybox stat -c "%u:%g %a" /data/d/file'), '12:34 640');
});

test('rejects an archive for a volume that exists', async (t) => {
  const agent = await start(t);
  const name = newName();
  const { jobId } = await agent.client.volumes.create({ name });
  await agent.client.waitForJob(jobId);
  const bytes = await archive({ name: 'a', text: 'x' });
  await t.throwsAsync(agent.client.volumes.upload(name, Readable.from([bytes])), {
    message: /exists already/,
  });
});

test('makes no volume of an archive that is damaged, cut off, or none', async (t) => {
  const agent = await start(t);
  const whole = await archive({ name: 'a', text: 'x'.repeat(100_000) });
  for (const bytes of [Buffer.from('no archive'), whole.subarray(0, 50_000), Buffer.alloc(0)]) {
    const name = newName();
    await t.throwsAsync(agent.client.volumes.upload(name, Readable.from([bytes])), { message: /archive/ });
    t.false((await names(agent)).includes(name));
  }
});

test('makes no volume when the client ends in the middle', async (t) => {
  const agent = await start(t);
  const name = newName();
  const controller = new AbortController();
  const bytes = new Readable({ read() {} });
  bytes.push((await archive({ name: 'a', text: 'x'.repeat(100_000) })).subarray(0, 50_000));
  const upload = agent.client.volumes.upload(name, bytes, { signal: controller.signal });
  await until('it arrives', async () => (await names(agent)).includes(name));
  controller.abort();
  await t.throwsAsync(upload, { any: true });
  await until('the volume is gone', async () => !(await names(agent)).includes(name));
});

test('an archive does not reach outside of its volume', async (t) => {
  const agent = await start(t);
  const dir = await tempDir(t);
  await writeFile(join(dir, 'victim'), 'safe');
  const bytes = await archive(
    { name: 'out', type: 'symlink', linkname: dir },
    { name: 'out/victim', text: 'changed' },
    { name: join(dir, 'absolute'), text: 'x' },
  );
  await agent.client.volumes.upload(newName(), Readable.from([bytes])).catch(() => undefined);
  const up = await archive({
    name: '../../../../../../../../../..'.concat(join(dir, 'victim')),
    text: 'changed',
  });
  await agent.client.volumes.upload(newName(), Readable.from([up])).catch(() => undefined);
  t.is(await readFile(join(dir, 'victim'), 'utf8'), 'safe');
  await t.throwsAsync(readFile(join(dir, 'absolute')), { code: 'ENOENT' });
});
