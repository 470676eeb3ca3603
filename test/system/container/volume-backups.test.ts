import { randomUUID } from 'node:crypto';
import ava, { type ExecutionContext } from 'ava';
import { containerName } from '../../../lib/subagents/container/definition.js';
import { mistify } from '../../helpers/command-line.js';
import { startContainerAgent } from '../../helpers/container-agent.js';
import { newGuest, SharedEngine } from '../../helpers/containers.js';
import { needsEngineWith } from '../../helpers/engines/chosen.js';
import type { RealAgent } from '../../helpers/real-agent.js';

const test = needsEngineWith('restic');

const shared = new SharedEngine();
ava.after.always(() => shared.stop());

const newName = (): string => `data-${randomUUID().slice(0, 8)}`;

/** Creates a guest that has a volume mounted at /data; returns its id, and what runs a line in it. */
const mount = async ({ client }: RealAgent, volume: string) => {
  const { id: _, ...spec } = newGuest({
    container: { command: ['sleep', '600'], mounts: [{ type: 'volume', source: volume, target: '/data' }] },
  });
  const { jobId, body } = await client.guests.create(spec);
  await client.waitForJob(jobId);
  const engine = await shared.engine();
  const run = (line: string): Promise<string> =>
    engine.run('exec', containerName(body.id), '/bin/busybox', 'sh', '-c', line);
  return { id: body.id, run };
};

/** Runs the command line, which must succeed; returns what it prints. */
const run = async (t: ExecutionContext, { url }: RealAgent, ...args: string[]): Promise<string> => {
  const { exitCode, stdout, stderr } = await mistify(t, url, ...args);
  t.is(exitCode, 0, stderr);
  return stdout;
};

const LIST = 'cd /data && find . | sort && stat -c "%a %u %g %n" d/file && cat d/file link';

test('a volume is backed up, restored under another name after it is lost, and has all its files', async (t) => {
  t.timeout(300_000);
  const agent = await startContainerAgent(t, (await shared.engine()).socket);
  const [name, copy] = [newName(), newName()];
  await run(t, agent, 'volume', 'create', name, '--label', 'team=shop', '--wait');
  const first = await mount(agent, name);
  await first.run(
    'mkdir /data/d && echo hello > /data/d/file && chown 12:34 /data/d/file && chmod 640 /data/d/file',
  );
  await first.run('ln -s d/file /data/link');
  const before = await first.run(LIST);
  const running = await run(t, agent, 'volume', 'backup', 'create', name, '--wait');
  t.regex(running, /its files may be of different moments/);
  await run(t, agent, 'guest', 'suspend', first.id, '--wait');
  const paused = await run(t, agent, 'volume', 'backup', 'create', name, '--wait');
  t.notRegex(paused, /different moments/);
  const { items } = await agent.client.volumeBackups.list({ volume: name });
  t.deepEqual(
    items.map(({ consistency }) => consistency),
    ['still', 'changing'],
  );
  const id = items[0]?.id ?? '';
  await run(t, agent, 'volume', 'backup', 'verify', id, '--wait');
  const refused = await mistify(t, agent.url, 'volume', 'backup', 'restore', id);
  t.regex(refused.stderr, /exists already: restore the backup under another name/);

  await run(t, agent, 'guest', 'delete', first.id, '--yes', '--wait');
  await run(t, agent, 'volume', 'delete', name, '--wait');
  await run(t, agent, 'volume', 'backup', 'restore', id, '--as', copy, '--wait');
  const restored = await agent.client.volumes.get(copy);
  t.deepEqual(restored.labels, { team: 'shop' });
  const second = await mount(agent, copy);
  t.is(await second.run(LIST), before);
  await run(t, agent, 'volume', 'backup', 'delete', id, '--yes', '--wait');
  t.is((await agent.client.volumeBackups.list({ volume: name })).items.length, 1);
});
