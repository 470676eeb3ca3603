import { readFile } from 'node:fs/promises';
import ava from 'ava';
import type { ContainerSpec } from '../../../lib/model/container/spec.js';
import type { Guest } from '../../../lib/model/guest.js';
import { containerName } from '../../../lib/subagents/container/definition.js';
import {
  newGuest,
  SharedEngine,
  startTestContainers,
  type TestContainers,
} from '../../helpers/containers.js';
import { needsEngineAnd, needsEngine as test } from '../../helpers/engines/chosen.js';
import { CDI_DEVICE } from '../../helpers/engines/engine.js';
import { until } from '../../helpers/wait.js';

const shared = new SharedEngine();
ava.after.always(() => shared.stop());

/** Creates and starts a guest. */
const run = async (container: ContainerSpec, more: Partial<Guest> = {}, on?: TestContainers) => {
  const containers = on ?? (await shared.containers());
  const engine = await shared.engine();
  const guest = newGuest({ ...more, container: { command: 'sleep 600', ...container } });
  await containers.guest('CreateContainer', guest);
  await containers.guest('StartContainer', guest);
  const inspect = (format: string) => engine.run('inspect', '--format', format, containerName(guest.id));
  return { guest, inspect, pid: Number(await inspect('{{.State.Pid}}')) };
};

test('a guest may have a part of a CPU', async (t) => {
  const { inspect } = await run({}, { cpu: 0.25 });
  t.is(await inspect('{{.HostConfig.NanoCpus}}'), '250000000');
});

test('a guest has no limit of its memory where it chooses so', async (t) => {
  const containers = await shared.containers();
  const { memory: _, ...guest } = newGuest({ container: { command: 'sleep 600', unlimitedMemory: true } });
  const created = await containers.guest('CreateContainer', guest);
  t.is(created.guest.memory, undefined);
  const engine = await shared.engine();
  t.is(await engine.run('inspect', '--format', '{{.HostConfig.Memory}}', containerName(guest.id)), '0');
});

test('a guest has as much swap as it chooses, none with 0', async (t) => {
  for (const swap of [0, 16]) {
    const { inspect } = await run({ swap });
    t.is(await inspect('{{.HostConfig.MemorySwap}}'), String((32 + swap) * 2 ** 20));
  }
  const containers = await shared.containers();
  const { memory: _, ...guest } = newGuest({ container: { swap: 1, unlimitedMemory: true } });
  await t.throwsAsync(containers.guest('CheckContainer', guest), { message: /leave it out/ });
});

test('the processes of a guest have its limits, and the seccomp profile of the engine', async (t) => {
  const { pid } = await run({ ulimits: { nofile: 77, nproc: 4096, core: { soft: 0, hard: 4096 } } });
  const limits = await readFile(`/proc/${pid}/limits`, 'utf8');
  t.regex(limits, /^Max open files +77 +77 /m);
  t.regex(limits, /^Max core file size +0 +4096 /m);
  t.regex(await readFile(`/proc/${pid}/status`, 'utf8'), /^Seccomp:\s*2$/m);
});

test('a guest gets a device of the host only where the host allows it', async (t) => {
  const devices = ['/dev/zero', '/dev/full'];
  const wanted = { devices: [...devices, '/dev/loop-control'] };
  await t.throwsAsync(run(wanted), {
    message: /may not have: leave it out, or start mistify-container with --allow-device/,
  });
  const { socket } = await shared.engine();
  const lenient = await startTestContainers(t, socket, { allowDevice: [...devices, '/dev/kmsg'] });
  const engine = await shared.engine();
  const { guest } = await run({ devices: ['/dev/zero', '/dev/kmsg'] }, {}, lenient);
  await t.notThrowsAsync(engine.run('exec', containerName(guest.id), 'sh', '-c', '[ -c /dev/kmsg ]'));
  await lenient.guest('DeleteContainer', guest);
});

test('a guest gets a CDI device from an engine whose API takes one, and a 400 from another', async (t) => {
  const engine = await shared.engine();
  const lenient = await startTestContainers(t, engine.socket, { allowDevice: [CDI_DEVICE] });
  const running = run({ devices: [CDI_DEVICE] }, {}, lenient);
  if (!engine.traits.takesCdi) {
    await t.throwsAsync(running, { message: /takes no CDI devices from its API/ });
    return;
  }
  const { guest } = await running;
  await engine.run('exec', containerName(guest.id), 'sh', '-c', '[ -c /dev/cdi-zero ]');
  await lenient.guest('DeleteContainer', guest);
  t.pass();
});

needsEngineAnd('tini-static')(
  'an init process of the engine reaps what the program leaves behind',
  async (t) => {
    const engine = await shared.engine();
    const { guest, inspect } = await run({ init: true });
    t.is(await inspect('{{.HostConfig.Init}}'), 'true');
    await until('the init is the first process', async () =>
      /init|tini/.test(await engine.run('exec', containerName(guest.id), 'cat', '/proc/1/comm')),
    );
  },
);
