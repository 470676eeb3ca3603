import { setTimeout as delay } from 'node:timers/promises';
import ava from 'ava';
import type { ContainerSpec } from '../../../lib/model/container/spec.js';
import { containerName } from '../../../lib/subagents/container/definition.js';
import {
  newGuest,
  SharedEngine,
  startTestContainers,
  type TestContainers,
} from '../../helpers/containers.js';
import { IMAGE } from '../../helpers/engines/busybox.js';
import { needsEngine as test } from '../../helpers/engines/chosen.js';
import { callMethod } from '../../helpers/sub-agents.js';
import { until } from '../../helpers/wait.js';

const shared = new SharedEngine();
ava.after.always(() => shared.stop());

const create = async (containers: TestContainers, more = {}): Promise<string> => {
  const guest = newGuest(more);
  await containers.guest('CreateContainer', guest);
  await containers.guest('StartContainer', guest);
  return guest.id;
};

const inspect = async (id: string, format: string): Promise<string> =>
  (await shared.engine()).run('inspect', '--format', format, containerName(id));

test('creates a stopped guest, and starts it', async (t) => {
  const containers = await shared.containers();
  const guest = newGuest();
  const created = await containers.guest('CreateContainer', guest);
  t.like(created.guest, { id: guest.id, state: 'stopped', memory: 32 });
  const started = await containers.guest('StartContainer', guest);
  t.is(started.guest.state, 'running');
  t.true(started.revision > created.revision);
});

test('reports the exit code of a container that has stopped', async (t) => {
  const containers = await shared.containers();
  const guest = newGuest({ container: { entrypoint: ['/bin/busybox', 'sh', '-c', 'exit 3'] } });
  t.is((await containers.guest('CreateContainer', guest)).guest.reason, undefined);
  await containers.guest('StartContainer', guest);
  const state = async () => (await containers.guest('Status', guest)).guest;
  await until('the program has exited', async () => (await state()).state === 'stopped');
  t.is((await state()).reason, 'exit code 3');
});

test('repeating an action succeeds', async (t) => {
  const containers = await shared.containers();
  const guest = newGuest();
  for (const [method, state] of [
    ['CreateContainer', 'stopped'],
    ['StartContainer', 'running'],
    ['PauseContainer', 'paused'],
    ['UnpauseContainer', 'running'],
    ['DeleteContainer', 'deleted'],
  ] as const) {
    t.is((await containers.guest(method, guest)).guest.state, state);
    t.is((await containers.guest(method, guest)).guest.state, state, `${method} again`);
  }
});

test('applies the guest’s image, memory, CPUs, command and environment', async (t) => {
  const containers = await shared.containers();
  const id = await create(containers, {
    cpu: 1,
    container: {
      command: `sh -c 'echo "$GREETING $SECRET"; exec sleep 600'`,
      env: { GREETING: 'hello' },
      secretEnv: { SECRET: 'there' },
    },
  });
  t.is(await inspect(id, '{{.Config.Image}}'), IMAGE);
  t.is(await inspect(id, '{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}}'), `${32 * 2 ** 20} 1000000000`);
  t.is(await (await shared.engine()).run('logs', containerName(id)), 'hello there');
});

/** Makes an image whose entry point and command differ. */
const withEntrypoint = async (): Promise<string> => {
  const engine = await shared.engine();
  const image = 'localhost/entry:1';
  const id = await engine.run('create', IMAGE);
  const changes = ['ENTRYPOINT ["/bin/echo", "entry"]', 'CMD ["/bin/echo", "command"]'];
  await engine.run('commit', ...changes.flatMap((change) => ['--change', change]), id, image);
  await engine.run('rm', id);
  return image;
};

test('runs an image without its entry point or its command where the guest clears them', async (t) => {
  const containers = await shared.containers();
  const image = await withEntrypoint();
  const engine = await shared.engine();
  for (const [container, output] of [
    [{}, 'entry /bin/echo command'],
    [{ entrypoint: [] }, 'command'],
    [{ entrypoint: [], command: String.raw`echo "say \"hi\"" it\'s` }, `say "hi" it's`],
    [{ command: [] }, 'entry'],
    [{ entrypoint: ['echo', 'a  b'] }, 'a  b'],
  ] as [ContainerSpec, string][]) {
    const id = await create(containers, { image, container });
    await waitForState(containers, id, 'stopped');
    t.is(await engine.run('logs', containerName(id)), output, JSON.stringify(container));
  }
});

test('rejects a command whose words are uncertain, and leaves nothing', async (t) => {
  const containers = await shared.containers();
  for (const container of [{ command: 'echo "unclosed' }, { entrypoint: [], command: [] }]) {
    const guest = newGuest({ container });
    const error = await t.throwsAsync(containers.guest('CreateContainer', guest));
    t.regex(error?.message ?? '', /array of words|nothing to run/);
    await t.throwsAsync(inspect(guest.id, '{{.Id}}'));
  }
});

test('checks a guest for a dry run, and creates no container', async (t) => {
  const containers = await shared.containers();
  const guest = newGuest();
  const nics = [{ network: 'user', model: '', address: '', netmask: '', gateway: '', vlans: [] }];
  const checked = await containers.guest('CheckContainer', { ...guest, nics });
  t.like(checked.guest, { id: guest.id, memory: 32, nics: [{ name: 'net0', network: 'user' }] });
  const absent = { guest: { ...guest, image: 'localhost/absent:1' }, action: '' };
  const { result } = await callMethod(containers.port, 'MDocker.CheckContainer', absent);
  t.is(result?.message, 'image localhost/absent:1 is not on this host and would be pulled');
  for (const [mistake, kind, message] of [
    [
      { nics: [{ ...nics[0], network: 'no-such-net' }] },
      'not_found',
      /^NIC 0: this host has neither a bridge/,
    ],
    [{ nics: [{ ...nics[0], vlans: [7] }] }, 'invalid', /^NIC 0: an engine network has no VLANs/],
    [{ container: { command: 'sh "' } }, 'invalid', /^container\.command has a quote/],
  ] as const)
    for (const method of ['CheckContainer', 'CreateContainer']) {
      const request = { guest: { ...guest, ...mistake }, action: '' };
      const failure = await callMethod(containers.port, `MDocker.${method}`, request);
      t.is(failure.kind, kind, method);
      t.regex(failure.error ?? '', message, method);
    }
  await t.throwsAsync(inspect(guest.id, '{{.Id}}'));
});

test('applies and reports the default memory limit', async (t) => {
  const containers = await shared.containers();
  const { memory: _, ...guest } = newGuest();
  t.is((await containers.guest('CreateContainer', guest)).guest.memory, 512);
});

test('a guest whose command exits at once is stopped', async (t) => {
  const containers = await shared.containers();
  const id = await create(containers, { container: { command: 'true' } });
  await t.notThrowsAsync(waitForState(containers, id, 'stopped'));
});

/** Creates a guest whose shell does something when it is asked to exit, and waits until the shell is ready for that. */
const createTrapping = async (containers: TestContainers, onTerm: string): Promise<string> => {
  const command = `sh -c 'trap "${onTerm}" TERM; echo ready; while :; do sleep 0.1; done'`;
  const id = await create(containers, { container: { command } });
  const engine = await shared.engine();
  await until('the shell is ready', async () => (await engine.run('logs', containerName(id))) === 'ready');
  return id;
};

test('does not kill a guest that exits when asked', async (t) => {
  const containers = await shared.containers();
  const id = await createTrapping(containers, 'exit 7');
  t.is((await containers.guest('StopContainer', { id })).guest.state, 'stopped');
  t.is(await inspect(id, '{{.State.ExitCode}}'), '7');
});

test('says that a guest did not exit in time and was killed, and nothing of one that did', async (t) => {
  const containers = await shared.containers();
  const stubborn = await create(containers, { container: { command: `sh -c 'trap "" TERM; sleep 600'` } });
  const { guest, message } = await containers.guest('StopContainer', { id: stubborn }, { timeout: '1' });
  t.like(guest, { state: 'stopped', reason: 'exit code 137' });
  t.regex(message ?? '', /did not exit within 1 s and was killed/);
  const ready = await createTrapping(containers, 'exit 0');
  const stopped = await containers.guest('StopContainer', { id: ready }, { timeout: '20' });
  t.is(stopped.guest.state, 'stopped');
  t.is(stopped.message, undefined);
});

test('a stop by another program gives a guest the usual time to exit', async (t) => {
  const containers = await shared.containers();
  const id = await createTrapping(containers, 'sleep 0.5; exit 7');
  await (await shared.engine()).run('stop', containerName(id));
  t.is(await inspect(id, '{{.State.ExitCode}}'), '7');
});

test('deletes guests whose programs end at any moment of the deletion', async (t) => {
  const containers = await shared.containers();
  for (let n = 0; n < 10; n += 1) {
    const id = await create(containers, { container: { command: 'sleep 0.2' } });
    await delay(n * 20);
    t.is((await containers.guest('DeleteContainer', { id })).guest.state, 'deleted', `after ${n * 20} ms`);
  }
});

test('kills a guest that does not exit within the timeout', async (t) => {
  const containers = await shared.containers();
  const id = await create(containers);
  t.is((await containers.guest('StopContainer', { id }, { timeout: '0' })).guest.state, 'stopped');
  t.is((await containers.guest('StopContainer', { id })).guest.state, 'stopped', 'again');
});

/** Ignores the request to exit, as programs do that run as the first process without a handler. */
const STUBBORN = {
  container: { command: ['sh', '-c', 'trap "" TERM; while :; do sleep 0.1; done'] },
};

for (const [name, method, args, state] of [
  ['poweroff', 'StopContainer', { timeout: '0' }, 'stopped'],
  ['delete', 'DeleteContainer', {}, 'deleted'],
] as [string, string, Record<string, string>, string][])
  for (const [first, ms] of [
    ['StopContainer', 0],
    ['StopContainer', 1000],
    ['RestartContainer', 1000],
  ] as const)
    test(`${name} does not wait for the timeout of a ${first} begun ${ms} ms ago`, async (t) => {
      const containers = await shared.containers();
      const id = await create(containers, STUBBORN);
      const ended = containers.guest(first, { id }, { timeout: '300' }).then(
        ({ guest }) => guest.state ?? '',
        (error: Error) => error.message,
      );
      await delay(ms);
      const startedAt = Date.now();
      t.is((await containers.guest(method, { id }, args)).guest.state, state);
      t.true(Date.now() - startedAt < 30_000, `${Date.now() - startedAt} ms`);
      if (first === 'RestartContainer') t.regex(await ended, /was powered off or deleted while it restarted/);
      await ended;
      if (name === 'poweroff') t.is(await inspect(id, '{{.State.Running}}'), 'false');
    });

test('starts, stops, restarts and deletes a paused guest', async (t) => {
  const containers = await shared.containers();
  const id = await create(containers);
  const pause = () => containers.guest('PauseContainer', { id });
  await pause();
  t.is((await containers.guest('StartContainer', { id })).guest.state, 'running');
  await pause();
  t.is((await containers.guest('RestartContainer', { id }, { timeout: '0' })).guest.state, 'running');
  await pause();
  t.is((await containers.guest('StopContainer', { id }, { timeout: '0' })).guest.state, 'stopped');
  await containers.guest('StartContainer', { id });
  await pause();
  t.is((await containers.guest('DeleteContainer', { id })).guest.state, 'deleted');
  await t.throwsAsync(inspect(id, '{{.Id}}'));
});

test('rejects pausing and resuming a stopped guest', async (t) => {
  const containers = await shared.containers();
  const guest = newGuest();
  await containers.guest('CreateContainer', guest);
  await t.throwsAsync(containers.guest('PauseContainer', guest), { message: /is stopped: only a running/ });
  await t.throwsAsync(containers.guest('UnpauseContainer', guest), { message: /is stopped: start it/ });
});

test('reports a guest without a container as not found, and deletes it', async (t) => {
  const containers = await shared.containers();
  const { id } = newGuest();
  for (const method of ['StartContainer', 'StopContainer', 'PauseContainer', 'Status', 'CPUMetrics'])
    await t.throwsAsync(containers.guest(method, { id }), { message: /: not found$/ }, method);
  t.is((await containers.guest('DeleteContainer', { id })).guest.state, 'deleted');
});

test('rejects a guest whose image cannot be pulled, and leaves nothing', async (t) => {
  const containers = await shared.containers();
  const guest = newGuest({ image: 'registry.invalid/none:1' });
  await t.throwsAsync(containers.guest('CreateContainer', guest), {
    message: /^image registry\.invalid\/none:1 cannot be pulled: /,
  });
  await t.throwsAsync(containers.guest('CreateContainer', { ...guest, image: '' }), {
    message: /needs an image/,
  });
  await t.throwsAsync(inspect(guest.id, '{{.Id}}'));
});

test('refuses a command that the image does not have, in the engine’s words', async (t) => {
  const containers = await shared.containers();
  const guest = newGuest({ container: { command: 'no-such-program' } });
  await containers.guest('CreateContainer', guest);
  const { error, kind } = await callMethod(containers.port, 'MDocker.StartContainer', { guest, action: '' });
  t.regex(error ?? '', /no-such-program.*not found/);
  t.is(kind, 'invalid');
});

test('lists, inspects and saves containers by the guest’s id', async (t) => {
  const containers = await shared.containers();
  const id = await create(containers);
  const name = `/${containerName(id)}`;
  const { containers: list } = await containers.call('ListContainers', { id: '', opts: { All: true } });
  t.true(list.some(({ Name }) => Name === name));
  t.is((await containers.call('GetContainer', { id })).containers[0]?.Name, name);
  const opts = { Repository: 'localhost/saved', Tag: '2' };
  const { images } = await containers.call('SaveContainer', { id, opts });
  t.like(images[0], { id: 'localhost/saved:2', type: 'container' });
  t.is((await containers.call('GetImage', { id: 'localhost/saved:2' })).images.length, 1);
  await t.throwsAsync(containers.call('GetContainer', { id: 'none' }), {
    message: 'container none: not found',
  });
});

test('lists containers and images while other programs remove some', async (t) => {
  const containers = await shared.containers();
  const engine = await shared.engine();
  const id = await create(containers);
  let isChurning = true;
  const churn = async (): Promise<void> => {
    for (let n = 0; n < 4; n += 1) {
      const other = await engine.run('create', IMAGE);
      await engine.run('commit', other, `localhost/other:${n}`);
      await engine.run('rm', other);
      await engine.run('rmi', `localhost/other:${n}`);
    }
  };
  const churned = churn().finally(() => {
    isChurning = false;
  });
  while (isChurning) {
    const all = { id: '', opts: { All: true } };
    const { containers: list } = await containers.call('ListContainers', all);
    t.true(list.some(({ Name }) => Name === `/${containerName(id)}`));
    t.true((await containers.call('ListImages', { id: '' })).images.some((image) => image.id === IMAGE));
  }
  await churned;
});

const waitForState = async (containers: TestContainers, id: string, state: string): Promise<void> => {
  for (let n = 0; n < 200; n += 1)
    if ((await containers.guest('Status', { id })).guest.state === state) return;
  throw new Error(`guest ${id} did not become ${state}`);
};

test('leaves the containers of another agent that uses the same engine alone', async (t) => {
  const containers = await shared.containers();
  const id = await create(containers);
  const other = await startTestContainers(t, (await shared.engine()).socket);
  const message = new RegExp(`^guest ${id} belongs to another agent of this host`);
  await t.throwsAsync(create(other, { id }), { message });
  for (const method of ['StartContainer', 'StopContainer', 'PauseContainer', 'Status'])
    await t.throwsAsync(other.guest(method, { id }), { message: /not found$/ }, method);
  await other.guest('DeleteContainer', { id });
  t.is(await inspect(id, '{{.State.Status}}'), 'running');
  t.is((await containers.guest('Status', { id })).guest.state, 'running');
  await containers.guest('DeleteContainer', { id });
  t.is(await create(other, { id }), id);
  await other.guest('DeleteContainer', { id });
});
