import type { ContainerCreateOptions, HostConfig } from 'dockerode';
import type { PublishedPort } from '../../model/container/network.js';
import { repeatedPort } from '../../model/container/port-clash.js';
import type { ContainerSpec } from '../../model/container/spec.js';
import type { Nic } from '../../model/guest.js';
import { Refusal } from '../../rpc/protocol/refusal.js';
import type { EngineKind } from './engine.js';
import { isEngineNic } from './nics/complete.js';
import { isHostNetwork } from './nics/engine-network.js';

/** Ports, names and name servers, as fields of the Docker Engine API's `ContainerCreate`. */
type Published = Pick<ContainerCreateOptions, 'ExposedPorts'> & {
  HostConfig: Pick<HostConfig, 'PortBindings' | 'ExtraHosts' | 'Dns' | 'DnsSearch'>;
};

/** `PortMap` of the Docker Engine API. */
type Bindings = Record<string, { HostIp: string; HostPort: string }[]>;

/** @throws {Refusal} `invalid` for ports of a container that no network of the engine leads to */
const requirePublishable = ({ ports = [] }: ContainerSpec, nics: readonly Nic[]): void => {
  if (ports.length === 0) return;
  if (!nics.some((nic) => isEngineNic(nic) && !isHostNetwork(nic)))
    throw new Refusal(
      'invalid',
      'container.ports are forwarded over a network of the engine, and the guest has no NIC on one: add one on the ' +
        'network user, or leave them out, because on a bridge and on the network of the host it is reached directly',
    );
  const twice = repeatedPort(ports);
  if (twice)
    throw new Refusal('invalid', `container.ports has the host port ${twice.hostPort} twice: choose another`);
};

/** @throws {Refusal} `invalid` for name servers of a container that gets no `/etc/resolv.conf` */
const requireResolvable = (
  { dns, dnsSearch }: ContainerSpec,
  nics: readonly Nic[],
  kind: EngineKind,
): void => {
  if (kind !== 'podman' || (dns ?? dnsSearch) === undefined || nics.some(isEngineNic)) return;
  throw new Refusal(
    'invalid',
    'container.dns and container.dnsSearch need a NIC on a network of the engine, because Podman writes no /etc/resolv.conf ' +
      'without one: add one on the network user, or leave them out',
  );
};

const bindingsOf = (ports: readonly PublishedPort[]): Bindings => {
  const bindings: Bindings = {};
  for (const { port, protocol = 'tcp', hostAddress = '', hostPort } of ports) {
    const key = `${port}/${protocol}`;
    bindings[key] = [...(bindings[key] ?? []), { HostIp: hostAddress, HostPort: String(hostPort) }];
  }
  return bindings;
};

/**
 * Returns what a container publishes and knows of names.
 * @throws {Refusal} `invalid` for ports that cannot be published, and name servers that would have no effect
 */
export const publishing = (spec: ContainerSpec, nics: readonly Nic[], kind: EngineKind): Published => {
  requirePublishable(spec, nics);
  requireResolvable(spec, nics, kind);
  const { ports = [], extraHosts, dns, dnsSearch } = spec;
  const bindings = bindingsOf(ports);
  const hosts = Object.entries(extraHosts ?? {}).map(([name, address]) => `${name}:${address}`);
  return {
    ...(ports.length === 0
      ? {}
      : { ExposedPorts: Object.fromEntries(Object.keys(bindings).map((each) => [each, {}])) }),
    HostConfig: {
      ...(ports.length === 0 ? {} : { PortBindings: bindings }),
      ...(hosts.length === 0 ? {} : { ExtraHosts: hosts }),
      ...(dns === undefined ? {} : { Dns: dns }),
      ...(dnsSearch === undefined ? {} : { DnsSearch: dnsSearch }),
    },
  };
};
