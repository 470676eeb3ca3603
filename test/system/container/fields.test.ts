import ava from 'ava';
import type { ContainerSpec } from '../../../lib/model/container/spec.js';
import { containerName, GUEST_LABEL } from '../../../lib/subagents/container/definition.js';
import { newGuest, SharedEngine } from '../../helpers/containers.js';
import { needsEngine as test } from '../../helpers/engines/chosen.js';
import { until } from '../../helpers/wait.js';

const shared = new SharedEngine();
ava.after.always(() => shared.stop());

/** Creates and starts a guest. */
const run = async (container: ContainerSpec) => {
  const containers = await shared.containers();
  const engine = await shared.engine();
  const guest = newGuest({ container });
  await containers.guest('CreateContainer', guest);
  await containers.guest('StartContainer', guest);
  const name = containerName(guest.id);
  const inspect = (format: string) => engine.run('inspect', '--format', format, name);
  const waitForOutput = (wanted: string) =>
    until(`the program has printed ${wanted}`, async () => (await engine.run('logs', name)).includes(wanted));
  return { guest, containers, inspect, waitForOutput };
};

test('a program runs as its user, in its directory, on a host of its name', async (t) => {
  const { waitForOutput } = await run({
    command: ['sh', '-c', 'echo "$(id -u):$(id -g) $(pwd) $(hostname)"; exec sleep 600'],
    ...{ user: '1234:567', workingDir: '/tmp', hostname: 'web-1.example' },
  });
  await t.notThrowsAsync(waitForOutput('1234:567 /tmp web-1.example'));
});

test('the engine shows the labels of a guest, beside those of the sub-agent', async (t) => {
  const { guest, inspect } = await run({ command: 'sleep 600', labels: { team: 'shop' } });
  t.is(
    await inspect(`{{index .Config.Labels "team"}} {{index .Config.Labels "${GUEST_LABEL}"}}`),
    `shop ${guest.id}`,
  );
});

test('a guest is asked to exit by its signal, and has its own time for that', async (t) => {
  const { guest, containers, inspect, waitForOutput } = await run({
    command: ['sh', '-c', 'trap "exit 7" USR1; trap "" TERM; echo ready; while :; do sleep 0.1; done'],
    stopSignal: 'SIGUSR1',
    stopTimeout: 60,
  });
  await waitForOutput('ready');
  t.is(await inspect('{{.Config.StopTimeout}}'), '60');
  t.like((await containers.guest('StopContainer', guest)).guest, { state: 'stopped', reason: 'exit code 7' });
});

test('a guest that ignores the request to exit is killed after its own time', async (t) => {
  const { guest, containers, waitForOutput } = await run({
    command: ['sh', '-c', 'trap "" TERM; echo ready; while :; do sleep 0.1; done'],
    stopTimeout: 1,
  });
  await waitForOutput('ready');
  const { message } = await containers.guest('StopContainer', guest);
  t.regex(message ?? '', /did not exit within 1 s and was killed/);
});
