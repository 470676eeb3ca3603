import { existsSync } from 'node:fs';
import { open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { ConfigFile } from '../../../lib/config/schema.js';
import { AGENT_PARTS } from '../../helpers/agent-disk.js';
import { finishJob, useLinux } from '../../helpers/agent-linux.js';
import { LINUX_PARTS } from '../../helpers/linux-guest.js';
import { needsInTurn } from '../../helpers/needs.js';
import { OTHER_QEMU } from '../../helpers/parts.js';
import { startRealAgent } from '../../helpers/real-agent.js';
import { until } from '../../helpers/wait.js';
import {
  makeTemplate,
  makeTemplateWithAgent,
  memfdsOf,
  startClone,
  WHEN_UP,
} from '../../helpers/warm-template.js';

// Guarantees: G58.

const test = needsInTurn(...LINUX_PARTS, 'perl');
const agentTest = needsInTurn(...LINUX_PARTS, ...AGENT_PARTS, 'perl');

const otherQemuTest = needsInTurn(...LINUX_PARTS, 'perl', OTHER_QEMU);

const otherQemu = (config: ConfigFile): ConfigFile => {
  const { qemu, ...services } = config.services;
  const command = ['mistify-qemu', '--qemu', process.env.MISTIFY_OTHER_QEMU ?? ''];
  return qemu ? { ...config, services: { ...services, qemu: { ...qemu, command } } } : config;
};

agentTest('clones of a warm template resume, and differ in all that is to be fresh', async (t) => {
  const agent = await startRealAgent(t);
  const { client } = agent;
  const template = await makeTemplateWithAgent(t, agent);
  const { Message } = await finishJob(agent, client.guests.warm(template));
  t.regex(Message, /MB of memory kept/);
  t.like(await client.guests.get(template), {
    state: 'shutoff',
    warm: { memory: 128, ready: { agent: true } },
  });
  const seen: Record<string, string>[] = [];
  for (const name of ['one', 'two']) {
    const { id, start } = await startClone(agent, template, name);
    t.regex(
      start.Message,
      /resumed with the memory of template .*its MAC addresses, what its .* does, its host name, its machine-id, its SSH host keys/,
    );
    t.notRegex(start.Message, /clock lags/);
    const linux = await useLinux(agent, id, 0);
    t.notRegex(await linux.output(), /mistify-guest: boot/);
    const clock = Number(await linux.run('date +%s')) * 1000;
    t.true(Math.abs(clock - Date.now()) < 10_000, `${clock}`);
    t.is(await linux.run('cat /run/hook'), 'run');
    t.is(await linux.run('cat /etc/ssh/ssh_host_rsa_key'), 'new');
    const [nic] = (await client.guests.get(id)).nics ?? [];
    const mac = await linux.run('cat /sys/class/net/eth0/address');
    t.is(mac, nic?.mac ?? '');
    t.is(
      await linux.run('cat /etc/machine-id /var/lib/dbus/machine-id'),
      [id, id].join(' ').replaceAll('-', ''),
    );
    seen.push({ id, mac, hostname: await linux.run('hostname') });
  }
  t.like(seen, [{ hostname: 'one' }, { hostname: 'two' }]);
  t.not(seen[0]?.mac, seen[1]?.mac);
});

const isShared = async (t: ExecutionContext, change?: (config: ConfigFile) => ConfigFile): Promise<void> => {
  const agent = await startRealAgent(t, change);
  const { client, dbpath } = agent;
  const template = await makeTemplate(agent);
  await finishJob(agent, client.guests.warm(template, WHEN_UP));
  const clones = [await startClone(agent, template, 'one'), await startClone(agent, template, 'two')];
  for (const { id, start } of clones) {
    t.regex(start.Message, /resumed with the memory of template/);
    const linux = await useLinux(agent, id, 0);
    t.is(await linux.run('ls /sys/class/net | grep -c eth'), '1');
    const pid = Number(await readFile(join(dbpath, 'run', id, 'pid'), 'utf8'));
    const [memory = ''] = await memfdsOf(pid);
    const file = await open(memory, 'r+');
    await t.throwsAsync(file.write(Buffer.alloc(1), 0, 1, 0), { code: 'EPERM' });
    await t.throwsAsync(file.truncate(0), { code: 'EPERM' });
    await file.close();
    const rollup = await readFile(`/proc/${pid}/smaps`, 'utf8');
    const [, pss = '0'] = /memfd:mistify-warm[\s\S]*?Pss:\s+(\d+) kB/.exec(rollup) ?? [];
    t.true(Number(pss) < 64 * 1024, pss);
  }
  for (const { id } of clones) await finishJob(agent, client.guests.delete(id));
  await finishJob(agent, client.guests.delete(template));
  t.deepEqual(await readdir(join(dbpath, 'qemu/guests')), []);
  t.deepEqual(
    (await client.images.list()).items.map(({ id }) => id),
    ['tiny'],
  );
};

test('the memory of a template is shared, and no clone can write to it', (t) => isShared(t));

otherQemuTest('the memory of a template of another QEMU is shared, too', (t) => isShared(t, otherQemu));

test('a clone boots when the memory does not load, and after two the template is warmed again', async (t) => {
  const agent = await startRealAgent(t);
  const { client, dbpath } = agent;
  const template = await makeTemplate(agent);
  await finishJob(agent, client.guests.warm(template, WHEN_UP));
  const before = (await client.guests.get(template)).warm;
  const state = join(dbpath, 'qemu/guests', template, 'warm/state');
  const file = await open(state, 'r+');
  const { size } = await file.stat();
  await file.write(Buffer.alloc(4096, 0x5a), 0, 4096, Math.floor(size / 2));
  await file.close();
  for (const name of ['one', 'two']) {
    const { id, start } = await startClone(agent, template, name);
    t.regex(start.Message, /the guest boots, because it did not resume/);
    t.is((await client.guests.get(id)).state, 'running');
    await useLinux(agent, id, 1);
    await finishJob(agent, client.guests.delete(id));
  }
  await until(
    'the template is warmed again',
    async () => {
      const { warm } = await client.guests.get(template);
      return warm !== undefined && warm.id !== before?.id;
    },
    240_000,
  );
  t.regex((await startClone(agent, template, 'three')).start.Message, /resumed with the memory/);
});

test('what is interrupted is warmed again, and what is cooled leaves nothing', async (t) => {
  const agent = await startRealAgent(t);
  const { client, dbpath } = agent;
  const template = await makeTemplate(agent);
  const accepted = await client.guests.warm(template, WHEN_UP);
  await until('it boots', async () => (await client.guests.get(template)).state === 'running');
  await t.throwsAsync(client.guests.clone(template), { message: /is running, as while it is being warmed/ });
  await agent.end('SIGKILL');
  await agent.start();
  await client.waitForJob(accepted.jobId);
  const { id } = (await client.guests.clone(template)).body;
  await until('the clone is there', async () => (await client.guests.get(id)).state === 'shutoff');
  await finishJob(agent, client.guests.cool(template));
  t.is((await client.guests.get(template)).warm, undefined);
  t.false(existsSync(join(dbpath, 'qemu/guests', template, 'warm')));
  const { Message } = await finishJob(agent, client.guests.perform(id, 'start'));
  t.regex(Message, /boots, instead of resuming .*: template .* was warmed again, cooled or deleted since/);
});

test('a template whose clones would begin with the same random numbers is not warmed', async (t) => {
  const agent = await startRealAgent(t);
  const { client, dbpath } = agent;
  const template = await makeTemplate(agent);
  const { jobId } = await client.guests.warm(template, { ...WHEN_UP, randomness: 'fresh' });
  await t.throwsAsync(client.waitForJob(jobId), { message: /same random numbers.*without a guest agent/ });
  const { state, warm } = await client.guests.get(template);
  t.deepEqual([state, warm], ['shutoff', undefined]);
  t.false(existsSync(join(dbpath, 'qemu/guests', template, 'warm')));
  const late = await client.guests.warm(template, { ready: { serial: 'never' }, timeout: 1 });
  await t.throwsAsync(client.waitForJob(late.jobId), {
    message: /was not ready within 1 s: it did not print "never"/,
  });
  t.is((await client.guests.get(template)).state, 'shutoff');
});
