import type { GuestSpec } from '../../client/index.js';
import type { ContainerNetwork, PublishedPort } from '../../model/container/network.js';
import { publishedPortOf } from '../../portable/published-port.js';
import {
  type Fields,
  fieldsOf,
  isFields,
  listOf,
  numberOf,
  pairsOf,
  requireNoOthers,
  someOf,
  textOf,
  textsOf,
  WrongValue,
} from './values.js';

/** The names on the host of the networks that a file names. */
export interface NetworkContext {
  networks: ReadonlyMap<string, string>;
}

type Nics = Pick<GuestSpec, 'nics'>;

/** Reads the networks of a service: their names, and the aliases that it has on them. */
const entriesOf = (value: unknown): { names: string[]; aliases: string[] } => {
  if (Array.isArray(value)) return { names: textsOf(value), aliases: [] };
  const aliases: string[] = [];
  const names = Object.entries(fieldsOf(value)).map(([name, given]) => {
    const { aliases: own = [], ...others } = given === null ? ({} as Fields) : fieldsOf(given);
    requireNoOthers(others, (key) => `${key} of ${name}`);
    aliases.push(...textsOf(own));
    return name;
  });
  // The API has aliases for all networks of a guest.
  if (aliases.length > 0 && names.length > 1)
    throw new WrongValue('aliases are supported for a service on one network');
  return { names, aliases };
};

/** Reads `networks`: the service is known there by its name, as with Compose. */
export const readNetworks = (
  service: string,
  value: unknown,
  { networks }: NetworkContext,
): { guest: Nics; container: ContainerNetwork } => {
  const { names, aliases } = entriesOf(value);
  const nics = names.map((name) => {
    const network = networks.get(name);
    if (network === undefined)
      throw new WrongValue(`name the network ${name} under the key networks of the file`);
    return { network };
  });
  return {
    guest: { nics },
    container: nics.length > 0 ? { aliases: [...new Set([service, ...aliases])] } : {},
  };
};

const NETWORK_MODES: Readonly<Record<string, Nics>> = {
  none: { nics: [] },
  bridge: { nics: [{ network: 'user' }] },
};

/** Reads `network_mode`. */
export const readNetworkMode = (value: unknown): Nics => {
  const mode = textOf(value);
  const guest = Object.hasOwn(NETWORK_MODES, mode) ? NETWORK_MODES[mode] : undefined;
  if (!guest) throw new WrongValue('none and bridge are supported');
  return guest;
};

const PROTOCOLS = ['tcp', 'udp', 'sctp'] as const;

const protocolOf = (text: string): Pick<PublishedPort, 'protocol'> => {
  const protocol = PROTOCOLS.find((each) => each === text);
  if (protocol === undefined)
    throw new WrongValue(`"${text}" is not a protocol: choose from ${PROTOCOLS.join(', ')}`);
  return protocol === 'tcp' ? {} : { protocol };
};

const shortPort = (text: string): PublishedPort => {
  const [, ports = '', protocol = 'tcp'] = /^([^/]*)(?:\/(\w+))?$/.exec(text) ?? [];
  const port = publishedPortOf(ports);
  if (port === undefined)
    throw new WrongValue(
      `"${text}" is not supported: write HOST_PORT:PORT or ADDRESS:HOST_PORT:PORT, without ranges`,
    );
  return { ...port, ...protocolOf(protocol) };
};

const longPort = ({
  target,
  published,
  host_ip: hostAddress,
  protocol = 'tcp',
  ...others
}: Fields): PublishedPort => {
  requireNoOthers(others);
  if (published === undefined) throw new WrongValue('give published, the port of the host');
  return {
    ...(hostAddress === undefined ? {} : { hostAddress: textOf(hostAddress) }),
    ...{ hostPort: numberOf(published), port: numberOf(target) },
    ...protocolOf(textOf(protocol)),
  };
};

/** Reads `ports`. */
export const readPorts = (value: unknown): ContainerNetwork => ({
  ports: listOf(value).map((port) => (isFields(port) ? longPort(port) : shortPort(textOf(port)))),
});

/** Reads `extra_hosts`: `NAME=ADDRESS`, or `NAME:ADDRESS` as in older files. */
export const readExtraHosts = (value: unknown): ContainerNetwork => {
  const pairs = Array.isArray(value)
    ? textsOf(value).map((text) => (text.includes('=') ? text : text.replace(':', '=')))
    : value;
  return { extraHosts: pairsOf(pairs) };
};

export const readDns = (value: unknown): ContainerNetwork => ({ dns: someOf(value).map(textOf) });

export const readDnsSearch = (value: unknown): ContainerNetwork => ({ dnsSearch: someOf(value).map(textOf) });
