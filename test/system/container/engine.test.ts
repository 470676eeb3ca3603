import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import ava, { type ExecutionContext } from 'ava';
import { HEALTH_PATH, type Health } from '../../../lib/rpc/protocol/calls.js';
import { EVENTS_PATH, type GuestState } from '../../../lib/rpc/protocol/sub-agent-events.js';
import { containerName } from '../../../lib/subagents/container/definition.js';
import { newGuest, startTestContainers, type TestContainers } from '../../helpers/containers.js';
import { IMAGE } from '../../helpers/engines/busybox.js';
import { startEngine, needsEngine as test } from '../../helpers/engines/chosen.js';
import { tempDir } from '../../helpers/temp.js';
import { until } from '../../helpers/wait.js';

/** Follows the guests' states in the sub-agent's events until the test ends. */
const follow = async (t: ExecutionContext, { port }: TestContainers): Promise<Map<string, string>> => {
  const states = new Map<string, string>();
  const stop = new AbortController();
  t.teardown(() => stop.abort());
  const { body } = await fetch(`http://127.0.0.1:${port}${EVENTS_PATH}`, { signal: stop.signal });
  const read = async (): Promise<void> => {
    for await (const line of createInterface({ input: Readable.fromWeb(body as ReadableStream) })) {
      const { guests, guest } = JSON.parse(line) as { guests?: GuestState[]; guest?: GuestState };
      for (const { id, state } of [...(guests ?? []), ...(guest ? [guest] : [])]) states.set(id, state);
    }
  };
  read().catch(() => undefined);
  return states;
};

const health = async ({ port }: TestContainers): Promise<Health> =>
  (await (await fetch(`http://127.0.0.1:${port}${HEALTH_PATH}`)).json()) as Health;

test('notices changes to a container that the agent did not make', async (t) => {
  const engine = await startEngine();
  t.teardown(() => engine.stop());
  const containers = await startTestContainers(t, engine.socket);
  const states = await follow(t, containers);
  const guest = newGuest();
  await containers.guest('CreateContainer', guest);
  const name = containerName(guest.id);
  for (const [command, state] of [
    [['start', name], 'running'],
    [['pause', name], 'paused'],
    [['unpause', name], 'running'],
    [['kill', name], 'stopped'],
    [['rm', name], 'deleted'],
  ] as const) {
    await engine.run(...command);
    await until(`the guest is ${state}`, () => states.get(guest.id) === state);
  }
  t.pass();
});

test('guests outlive the sub-agent, and the next one finds them', async (t) => {
  const engine = await startEngine();
  t.teardown(() => engine.stop());
  const guest = newGuest();
  const first = await startTestContainers(t, engine.socket);
  await first.guest('CreateContainer', guest);
  await first.guest('StartContainer', guest);
  await first.close();
  const second = await startTestContainers(t, engine.socket, { dir: first.dir });
  const states = await follow(t, second);
  t.is(await until('the guest is known', () => states.get(guest.id)), 'running');
});

test('reconnects to an engine that was gone', async (t) => {
  const engine = await startEngine();
  t.teardown(() => engine.stop());
  const containers = await startTestContainers(t, engine.socket);
  const states = await follow(t, containers);
  const guest = newGuest();
  await containers.guest('CreateContainer', guest);
  await containers.guest('StartContainer', guest);
  t.is((await health(containers)).status, 'ok');
  const pid = Number(await engine.run('inspect', '--format', '{{.State.Pid}}', containerName(guest.id)));
  await engine.stopService();
  await until('the guest is unknown', () => states.get(guest.id) === 'unknown');
  t.like(await health(containers), { status: 'degraded' });
  await t.throwsAsync(containers.guest('StopContainer', guest), {
    message: /does not respond: restart it/,
  });
  process.kill(pid, 'SIGKILL');
  await engine.serve();
  await until('the guest is known again', () => states.get(guest.id) === 'stopped');
  t.is((await containers.guest('StartContainer', guest)).guest.state, 'running');
});

ava(
  'without an engine, the list of images is empty and every other method names the sockets it tried',
  async (t) => {
    const socket = join(await tempDir(t), 'none.sock');
    const containers = await startTestContainers(t, socket);
    t.deepEqual((await containers.call('ListImages', { id: '' })).images, []);
    await t.throwsAsync(containers.call('GetImage', { id: IMAGE }), {
      message: `image ${IMAGE}: no such image`,
    });
    const message = new RegExp(`^no container engine at ${socket}: `);
    for (const method of ['CreateContainer', 'StartContainer', 'DeleteContainer', 'Status', 'CPUMetrics'])
      await t.throwsAsync(containers.guest(method, newGuest()), { message }, method);
    for (const method of ['DeleteImage', 'LoadImage'])
      await t.throwsAsync(
        containers.call(method, { id: IMAGE }),
        { message: /no container engine at/ },
        method,
      );
    t.like(await health(containers), { status: 'degraded' });
  },
);

ava('without an engine, a guest that could not be created can be deleted', async (t) => {
  const containers = await startTestContainers(t, join(await tempDir(t), 'none.sock'));
  const { guest } = await containers.guest('DeleteContainer', newGuest({ state: 'error' }));
  t.is(guest.state, 'deleted');
});
