import { stringify } from 'yaml';
import type { Metadata, Nic } from '../../../../model/guest.js';
import { nameservers } from '../../../../model/seed-metadata.js';
import { interfaceAddress } from '../../../shared/network/addresses.js';
import type { Definition } from '../definition.js';
import type { NicEntries } from '../nic-entry.js';
import { numberNics } from '../nic-numbers.js';
import { hostname } from './metadata.js';

/** The files of cloud-init's NoCloud data source, by name. */
export type SeedDocuments = Record<string, string>;

const EMPTY_USER_DATA = '#cloud-config\n{}\n';

/** Quotes all strings: YAML 1.1 reads a MAC address of nothing but digits as a number. */
const toYaml = (document: unknown): string =>
  stringify(document, {
    aliasDuplicateObjects: false,
    defaultStringType: 'QUOTE_DOUBLE',
    defaultKeyType: 'PLAIN',
  });

/** Both halves of the IPv6 Internet: cloud-init 22.4 turns `::/0` into `::/64` for all renderers but netplan. */
const ALL_IPV6 = ['::/1', '8000::/1'];
const LINK_LOCAL = /^fe[89ab]/i;

/**
 * Routes everything through a gateway. cloud-init from 23 on calls `gateway4` and `gateway6` deprecated, and its status
 * is then an error; and only netplan understands a route to `default`.
 */
const defaultRoute = (family: 4 | 6, gateway: string): Record<string, unknown> => {
  // The renderer for ifupdown gives a route no device, without which a link-local gateway means nothing.
  if (LINK_LOCAL.test(gateway)) return { gateway6: gateway };
  const targets = family === 4 ? ['0.0.0.0/0'] : ALL_IPV6;
  return { routes: targets.map((to) => ({ to, via: gateway })) };
};

const addressConfig = (nic: Nic, servers: readonly string[]): Record<string, unknown> => {
  const address = interfaceAddress(nic);
  const dns = servers.length ? { nameservers: { addresses: servers } } : {};
  if (!address) return { dhcp4: true, ...dns };
  const { family, cidr, gateway } = address;
  return {
    addresses: [cidr],
    ...(gateway ? defaultRoute(family, gateway) : {}),
    ...dns,
  };
};

/** Builds a version 2 network config. It names the interfaces, because only netplan matches them by MAC address. */
const networkConfig = (nics: readonly Nic[], metadata: Metadata, entries?: NicEntries): unknown => {
  const servers = nameservers(metadata);
  const numbers = numberNics(nics, entries);
  const ethernets = nics.map((nic, index) => {
    const name = `eth${numbers[index] ?? index}`;
    return [name, { match: { macaddress: nic.mac }, 'set-name': name, ...addressConfig(nic, servers) }];
  });
  return { version: 2, ethernets: Object.fromEntries(ethernets) };
};

/**
 * Builds a guest's seed; `undefined` when the definition has nothing for cloud-init.
 * @param revision how often the seed has changed; cloud-init applies a seed with a new instance-id again
 * @param entries the entries of the NICs, if the guest's hardware has any
 */
export const seedDocuments = (
  { id, nics, metadata = {} }: Definition,
  revision = 0,
  entries?: NicEntries,
): SeedDocuments | undefined => {
  const { hostname: name, 'user-data': userData, 'vendor-data': vendorData, nameservers: dns } = metadata;
  const hasNetwork = nics.some(({ address }) => address) || (nics.length > 0 && dns);
  if (!name && !userData && !vendorData && !hasNetwork && revision === 0) return undefined;
  return {
    'meta-data': toYaml({
      'instance-id': revision === 0 ? id : `${id}-${revision}`,
      'local-hostname': hostname(id, metadata),
    }),
    'user-data': userData ?? EMPTY_USER_DATA,
    ...(vendorData ? { 'vendor-data': vendorData } : {}),
    ...(nics.length ? { 'network-config': toYaml(networkConfig(nics, metadata, entries)) } : {}),
  };
};
