import { stringify } from 'yaml';
import type { Metadata, Nic } from '../../../../model/guest.js';
import { interfaceAddress } from '../../../shared/network/addresses.js';
import type { Definition } from '../definition.js';
import { hostname, nameservers } from './metadata.js';

/** The files of cloud-init's data source NoCloud, by name. */
export type SeedDocuments = Record<string, string>;

const NO_USER_DATA = '#cloud-config\n{}\n';

/** In quotes: a reader of YAML 1.1 takes a MAC of nothing but digits for a number. */
const yaml = (document: unknown): string =>
  stringify(document, {
    aliasDuplicateObjects: false,
    defaultStringType: 'QUOTE_DOUBLE',
    defaultKeyType: 'PLAIN',
  });

const addressing = (nic: Nic, servers: readonly string[]): Record<string, unknown> => {
  const address = interfaceAddress(nic);
  if (!address) return { dhcp4: true };
  const { family, cidr, gateway } = address;
  return {
    addresses: [cidr],
    // Not as a route: cloud-init 22.4 makes `::/64` of `::/0`, for all but netplan.
    ...(gateway ? { [`gateway${family}`]: gateway } : {}),
    ...(servers.length ? { nameservers: { addresses: servers } } : {}),
  };
};

/**
 * Names the interfaces as well: cloud-init's renderers other than netplan know them by nothing else.
 */
const networkConfig = (nics: readonly Nic[], metadata: Metadata): unknown => {
  const servers = nameservers(metadata);
  const ethernets = nics.map((nic, n) => [
    `eth${n}`,
    { match: { macaddress: nic.mac }, 'set-name': `eth${n}`, ...addressing(nic, servers) },
  ]);
  return { version: 2, ethernets: Object.fromEntries(ethernets) };
};

/** What a guest is told at its start by cloud-init's NoCloud, `undefined` when there is nothing to say. */
export const seedDocuments = ({ id, nics, metadata = {} }: Definition): SeedDocuments | undefined => {
  const { hostname: name, 'user-data': userData, 'vendor-data': vendorData } = metadata;
  if (!name && !userData && !vendorData && !nics.some(({ address }) => address)) return undefined;
  return {
    'meta-data': yaml({ 'instance-id': id, 'local-hostname': hostname(id, metadata) }),
    'user-data': userData ?? NO_USER_DATA,
    ...(vendorData ? { 'vendor-data': vendorData } : {}),
    ...(nics.length ? { 'network-config': yaml(networkConfig(nics, metadata)) } : {}),
  };
};
