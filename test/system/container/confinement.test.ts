import { readFile } from 'node:fs/promises';
import ava from 'ava';
import type { ContainerSpec } from '../../../lib/model/container/spec.js';
import { containerName } from '../../../lib/subagents/container/definition.js';
import { newGuest, SharedEngine, startTestContainers } from '../../helpers/containers.js';
import { needsEngine as test } from '../../helpers/engines/chosen.js';

const shared = new SharedEngine();
ava.after.always(() => shared.stop());

/** The numbers of capabilities: linux/capability.h. */
const NET_RAW = 13n;
const SYS_CHROOT = 18n;
const MKNOD = 27n;

/** Starts a guest and reads what its first process may do. */
const confined = async (spec: ContainerSpec) => {
  const containers = await shared.containers();
  const engine = await shared.engine();
  const guest = newGuest({ container: { command: 'sleep 600', ...spec } });
  await containers.guest('CreateContainer', guest);
  await containers.guest('StartContainer', guest);
  const inspect = (format: string) => engine.run('inspect', '--format', format, containerName(guest.id));
  const status = await readFile(`/proc/${await inspect('{{.State.Pid}}')}/status`, 'utf8');
  const field = (name: string): string => new RegExp(`^${name}:\\s*(\\w+)$`, 'm').exec(status)?.[1] ?? '';
  const bounding = BigInt(`0x${field('CapBnd')}`);
  return {
    has: (capability: bigint) => (bounding & (1n << capability)) > 0n,
    noNewPrivileges: field('NoNewPrivs'),
    pidsLimit: await inspect('{{.HostConfig.PidsLimit}}'),
  };
};

test('a container has few capabilities, a limit of processes, and gains no privileges', async (t) => {
  const { has, noNewPrivileges, pidsLimit } = await confined({});
  t.true(has(SYS_CHROOT));
  t.false(has(NET_RAW));
  t.false(has(MKNOD));
  t.is(noNewPrivileges, '1');
  t.is(pidsLimit, '2048');
});

test('a guest changes its confinement within what the host allows', async (t) => {
  const { has, noNewPrivileges, pidsLimit } = await confined({
    capDrop: ['ALL'],
    capAdd: ['NET_RAW'],
    pidsLimit: 33,
    noNewPrivileges: false,
  });
  t.true(has(NET_RAW));
  t.false(has(SYS_CHROOT));
  t.is(noNewPrivileges, '0');
  t.is(pidsLimit, '33');
});

test('rejects a capability that the host does not allow, unless its operator does', async (t) => {
  const { socket } = await shared.engine();
  const guest = newGuest({ container: { command: 'sleep 600', capAdd: ['SYS_ADMIN'] } });
  const containers = await shared.containers();
  for (const method of ['CheckContainer', 'CreateContainer'])
    await t.throwsAsync(containers.guest(method, guest), { message: /asks for SYS_ADMIN/ }, method);
  const lenient = await startTestContainers(t, socket, { allowCapability: ['SYS_ADMIN'] });
  t.is((await lenient.guest('CreateContainer', guest)).guest.state, 'stopped');
});

test('runs a container in the network of the host where its operator allows it', async (t) => {
  const { socket } = await shared.engine();
  const lenient = await startTestContainers(t, socket, { allowNetworkDriver: ['host'] });
  const nics = [{ network: 'host', model: '', address: '', netmask: '', gateway: '', vlans: [] }];
  const guest = newGuest({ nics });
  await lenient.guest('CreateContainer', guest);
  t.is((await lenient.guest('StartContainer', guest)).guest.state, 'running');
  await lenient.guest('DeleteContainer', guest);
});
