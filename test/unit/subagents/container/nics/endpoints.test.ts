import test from 'ava';
import type { Nic } from '../../../../../lib/model/guest.js';
import type { EngineProgram } from '../../../../../lib/subagents/container/engine.js';
import {
  checkMacs,
  createdEndpoints,
  laterEndpoints,
} from '../../../../../lib/subagents/container/nics/endpoints.js';

const PODMAN: EngineProgram = { kind: 'podman', api: [1, 41], updates: false };
const DOCKER_20: EngineProgram = { kind: 'docker', api: [1, 41], updates: true };
const DOCKER_28: EngineProgram = { kind: 'docker', api: [1, 51], updates: true };

const nic = (network: string, more: Partial<Nic> = {}): Nic => ({
  ...{ name: `on-${network}`, network, model: '', address: '', netmask: '', gateway: '', vlans: [] },
  ...more,
});

/** On engine networks, but the second one. */
const NICS = [
  nic('lan', { address: '192.0.2.7/24' }),
  nic('br0', { device: 'mt0-0' }),
  nic('user', { mac: '52:54:00:00:00:07' }),
];

const created = (program: EngineProgram) =>
  createdEndpoints(NICS, program).NetworkingConfig?.EndpointsConfig as Record<string, unknown> | undefined;

test('joins all networks when the container is created where Docker takes them, and the others later elsewhere', (t) => {
  t.deepEqual(Object.keys(created(DOCKER_28) ?? {}), ['lan', 'bridge']);
  t.deepEqual(laterEndpoints(NICS, DOCKER_28), []);
  for (const program of [PODMAN, DOCKER_20]) {
    t.deepEqual(Object.keys(created(program) ?? {}), ['lan']);
    t.deepEqual(
      laterEndpoints(NICS, program).map(({ nic }) => nic.network),
      ['user'],
    );
  }
});

test('names the devices of several NICs for Docker, which would put its default network first', (t) => {
  const device = 'com.docker.network.endpoint.ifname';
  t.deepEqual(created(DOCKER_28), {
    lan: { DriverOpts: { [device]: 'eth0' }, IPAMConfig: { IPv4Address: '192.0.2.7' } },
    bridge: { DriverOpts: { [device]: 'eth1' }, MacAddress: '52:54:00:00:00:07' },
  });
  t.deepEqual(created(PODMAN), { lan: { IPAMConfig: { IPv4Address: '192.0.2.7' } } });
  t.is(createdEndpoints([nic('user')], DOCKER_28).NetworkingConfig, undefined);
});

test('passes an IPv6 address as one', (t) => {
  const { NetworkingConfig } = createdEndpoints([nic('lan', { address: '2001:db8::7/64' })], DOCKER_28);
  t.like(NetworkingConfig?.EndpointsConfig?.lan, { IPAMConfig: { IPv6Address: '2001:db8::7' } });
});

test('rejects a MAC that Docker before version 25 would ignore', (t) => {
  const message = /^NIC on-user asks for the MAC address 52:54:00:00:00:07, which Docker before version 25/;
  t.throws(() => checkMacs(NICS, DOCKER_20), { message });
  t.notThrows(() => checkMacs([...NICS].reverse(), DOCKER_20));
  for (const program of [PODMAN, DOCKER_28]) t.notThrows(() => checkMacs(NICS, program));
});
