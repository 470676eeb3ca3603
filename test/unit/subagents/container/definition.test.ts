import test from 'ava';
import type { Nic } from '../../../../lib/model/guest.js';
import { completeDefinition, createOptions, nicsOf } from '../../../../lib/subagents/container/definition.js';
import type { EngineProgram } from '../../../../lib/subagents/container/engine.js';
import { DEFAULT_POLICY } from '../../../../lib/subagents/container/policy.js';
import { GUEST_ID } from '../../../helpers/sub-agents.js';

const nic = (more: Partial<Nic>): Nic => ({
  name: 'net0',
  network: 'user',
  model: '',
  address: '',
  netmask: '',
  gateway: '',
  vlans: [],
  ...more,
});

const DOCKER: EngineProgram = { kind: 'docker', api: [1, 51], updates: true };
const PODMAN: EngineProgram = { kind: 'podman', api: [1, 41], updates: false };

const options = (guest = {}, nics: Nic[] = [], program: EngineProgram = DOCKER) =>
  createOptions(completeDefinition({ id: GUEST_ID, image: 'bb', ...guest }, nics), 'localhost/bb:1', {
    program,
    owner: '/state',
    policy: DEFAULT_POLICY,
  });

test('names the container after the guest and labels it', (t) => {
  t.like(options(), {
    name: `mistify-${GUEST_ID}`,
    Hostname: GUEST_ID,
    Image: 'localhost/bb:1',
    Labels: { 'io.mistify.guest': GUEST_ID, 'io.mistify.owner': '/state' },
  });
});

test('limits memory by default, and CPUs only on request', (t) => {
  t.is(options().HostConfig?.Memory, 512 * 2 ** 20);
  t.is(options().HostConfig?.NanoCpus, undefined);
  t.like(options({ memory: 64, cpu: 2 }).HostConfig, { Memory: 64 * 2 ** 20, NanoCpus: 2e9 });
});

test('asks the engine for no network without NICs or with NICs on bridges', (t) => {
  t.is(options().HostConfig?.NetworkMode, 'none');
  t.is(options({}, [nic({ network: 'br0', device: 'mt0-0' })]).HostConfig?.NetworkMode, 'none');
});

test('maps the network user to the engine’s default network', (t) => {
  const made = options({}, [nic({})]);
  t.is(made.HostConfig?.NetworkMode, 'bridge');
  t.is(made.NetworkingConfig, undefined);
});

test('passes a NIC’s address and MAC to its engine network', (t) => {
  const made = options({}, [nic({ network: 'lan', address: '192.0.2.7/24', mac: '52:54:00:00:00:07' })]);
  t.like(made, { MacAddress: '52:54:00:00:00:07', HostConfig: { NetworkMode: 'lan' } });
  t.deepEqual(made.NetworkingConfig?.EndpointsConfig?.lan as object, {
    IPAMConfig: { IPv4Address: '192.0.2.7' },
    MacAddress: '52:54:00:00:00:07',
  });
});

for (const [program, network] of [
  [DOCKER, 'bridge'],
  [PODMAN, 'default'],
] as const)
  test(`passes a MAC to the default network under the name that ${program.kind} reads`, (t) => {
    const made = options({}, [nic({ mac: '52:54:00:00:00:07' })], program);
    t.like(made, { MacAddress: '52:54:00:00:00:07', HostConfig: { NetworkMode: 'bridge' } });
    t.deepEqual(Object.keys(made.NetworkingConfig?.EndpointsConfig ?? {}), [network]);
  });

test('confines each container, and lets it ping without a capability, except in the network of the host', (t) => {
  const { HostConfig } = options({ container: { pidsLimit: 7 } });
  t.like(HostConfig, { CapDrop: ['ALL'], PidsLimit: 7, SecurityOpt: ['no-new-privileges:true'] });
  t.truthy(HostConfig?.Sysctls);
  t.is(options({}, [nic({ network: 'host' })]).HostConfig?.Sysctls, undefined);
});

test('reads the NICs back from the container’s labels', (t) => {
  const nics = [nic({ network: 'br0', device: 'mt0-0' })];
  t.deepEqual(nicsOf(options({}, nics).Labels ?? {}), nics);
  t.deepEqual(nicsOf({}), []);
});

test('rejects a container without an image', (t) => {
  t.throws(() => completeDefinition({ id: GUEST_ID }, []), { message: /needs an image/ });
});
