import { isIPv6 } from 'node:net';
import type { ContainerCreateOptions, EndpointSettings, EndpointsConfig } from 'dockerode';
import type { Nic } from '../../../model/guest.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import type { EngineProgram } from '../engine.js';
import { isEngineNic } from './complete.js';
import { createdNetwork, engineNetwork, knowsNames } from './engine-network.js';

/**
 * The option that names a NIC's device in its container, since Docker 28. Earlier versions ignore it, and put Docker's
 * default network first, whatever the order of the NICs. Podman keeps the order.
 */
const DEVICE_OPTION = 'com.docker.network.endpoint.ifname';

/** A NIC on a network of the engine, with the engine's settings for it. */
interface Endpoint {
  nic: Nic;
  settings: Partial<EndpointSettings>;
}

/** What else an endpoint has, beside what its NIC says. */
interface Extras {
  device: string | undefined;
  aliases: readonly string[];
}

const settingsOf = ({ address, mac }: Nic, { device, aliases }: Extras): Partial<EndpointSettings> => {
  const [ip = ''] = address.split('/');
  return {
    ...(device === undefined ? {} : { DriverOpts: { [DEVICE_OPTION]: device } }),
    ...(ip ? { IPAMConfig: isIPv6(ip) ? { IPv6Address: ip } : { IPv4Address: ip } } : {}),
    ...(mac ? { MacAddress: mac } : {}),
    ...(aliases.length > 0 ? { Aliases: [...aliases] } : {}),
  };
};

/** @param aliases names on networks that know names; the engine's default network does not */
const endpoints = (nics: readonly Nic[], { kind }: EngineProgram, aliases: readonly string[]): Endpoint[] => {
  const own = nics.filter(isEngineNic);
  const isNamed = kind === 'docker' && own.length > 1;
  return own.map((nic, index) => ({
    nic,
    settings: settingsOf(nic, {
      device: isNamed ? `eth${index}` : undefined,
      aliases: knowsNames(nic) ? aliases : [],
    }),
  }));
};

/** @throws {Refusal} `invalid` for aliases that no network of the guest knows */
const requireNamed = (nics: readonly Nic[], aliases: readonly string[]): void => {
  if (aliases.length > 0 && !nics.some((nic) => isEngineNic(nic) && knowsNames(nic)))
    throw new Refusal(
      'invalid',
      'container.aliases are names on a network of the engine other than its default one, and the guest has no NIC on one: create one (podman network create NAME, docker network create NAME) and name it, or leave them out',
    );
};

/** Whether `ContainerCreate` takes several networks. Docker 25 and newer give NICs their MACs only there. */
const takesAll = ({ kind, api: [major, minor] }: EngineProgram): boolean =>
  kind === 'docker' && (major > 1 || minor >= 44);

/**
 * Returns a new container's networks for `ContainerCreate` of the Docker Engine API.
 * @throws {Refusal} `invalid` for aliases that no network of the guest knows
 */
export const createdEndpoints = (
  nics: readonly Nic[],
  program: EngineProgram,
  aliases: readonly string[] = [],
): Partial<ContainerCreateOptions> & { NetworkMode: string } => {
  requireNamed(nics, aliases);
  const own = endpoints(nics, program, aliases);
  const [first] = own;
  if (!first) return { NetworkMode: 'none' };
  const NetworkMode = engineNetwork(first.nic);
  const created = takesAll(program) ? own : [first];
  if (created.every(({ settings }) => Object.keys(settings).length === 0)) return { NetworkMode };
  const EndpointsConfig = Object.fromEntries(
    created.map(({ nic, settings }) => [createdNetwork(nic, program.kind), settings]),
  ) as EndpointsConfig;
  const { mac } = first.nic;
  // Podman, and Docker before API 1.44, read the MAC address only here.
  return { NetworkMode, ...(mac ? { MacAddress: mac } : {}), NetworkingConfig: { EndpointsConfig } };
};

/** Returns the networks that a new container joins after `ContainerCreate`. */
export const laterEndpoints = (
  nics: readonly Nic[],
  program: EngineProgram,
  aliases: readonly string[] = [],
): Endpoint[] => (takesAll(program) ? [] : endpoints(nics, program, aliases).slice(1));

/**
 * Checks that the engine can give NICs on its networks the MACs that they ask for.
 * @throws {Refusal} `invalid` on a Docker before version 25, which gives one to the first of them alone
 */
export const checkMacs = (nics: readonly Nic[], program: EngineProgram): void => {
  if (program.kind === 'podman' || takesAll(program)) return;
  const [, ...others] = nics.filter(isEngineNic);
  const asking = others.find(({ mac }) => mac !== undefined);
  if (asking)
    throw new Refusal(
      'invalid',
      `NIC ${asking.name} asks for the MAC address ${asking.mac}, which Docker before version 25 gives only to the ` +
        'first NIC on its networks: leave it out, put this NIC first, or upgrade Docker',
    );
};
