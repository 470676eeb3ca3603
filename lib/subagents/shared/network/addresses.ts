import ipaddr from 'ipaddr.js';
import type { Nic } from '../../../model/guest.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** What a guest is to set on one of its nics. */
export interface InterfaceAddress {
  family: 4 | 6;
  /** With its prefix length, `192.0.2.10/24`. */
  cidr: string;
  /** Absent when it has none. */
  gateway?: string;
}

/** Ranges that no host can have as its own address, by the names that ipaddr.js gives them. */
const NO_HOST: ReadonlySet<string> = new Set([
  'unspecified',
  'broadcast',
  'multicast',
  'loopback',
  'ipv4Mapped',
]);
const BITS = { ipv4: 32, ipv6: 128 } as const;
/** Longer ones have neither a network nor a broadcast address: RFC 3021. */
const LONGEST_WITH_BROADCAST = 30;

/** `undefined` for what is no address. Of IPv4 only the form with four decimal parts. */
const parse = (text: string): Address | undefined => {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text);
  return ipaddr.IPv6.isValid(text) ? ipaddr.IPv6.parse(text) : undefined;
};

/** The prefix length of a netmask, which may be one already: `255.255.255.0`, `24`, `/24`. */
const prefixOf = (netmask: string, address: Address): number => {
  const bits = BITS[address.kind()];
  const digits = /^\/?(?<length>\d{1,3})$/.exec(netmask)?.groups?.length;
  const mask = digits === undefined ? parse(netmask) : undefined;
  if (mask && mask.kind() !== address.kind()) {
    throw new Error(`netmask ${netmask} does not fit the address ${address}: it is of the other IP version`);
  }
  const length = digits === undefined ? mask?.prefixLengthFromSubnetMask() : Number(digits);
  if (typeof length !== 'number' || length < 1 || length > bits) {
    throw new Error(
      `netmask ${netmask} is none: give one like ${bits === 32 ? '255.255.255.0 or 24' : '64'}`,
    );
  }
  return length;
};

/** The prefix length that address and netmask give together. */
const agreedPrefix = (nic: Nic, address: Address, suffix: string | undefined): number => {
  const own = suffix === undefined ? undefined : prefixOf(suffix, address);
  const given = nic.netmask ? prefixOf(nic.netmask, address) : undefined;
  const prefix = own ?? given;
  if (prefix === undefined) throw new Error(`address ${nic.address} needs a netmask`);
  if (given !== undefined && given !== prefix) {
    throw new Error(`netmask ${nic.netmask} contradicts the address ${nic.address}`);
  }
  return prefix;
};

const assertHost = (address: Address, prefix: number): void => {
  if (NO_HOST.has(address.range()))
    throw new Error(`address ${address} is ${address.range()}: no host can have it`);
  if (address.kind() === 'ipv6' || prefix > LONGEST_WITH_BROADCAST) return;
  const cidr = `${address}/${prefix}`;
  const text = address.toString();
  if (text === ipaddr.IPv4.networkAddressFromCIDR(cidr).toString()) {
    throw new Error(`address ${cidr} is that of the network itself: no host can have it`);
  }
  if (text === ipaddr.IPv4.broadcastAddressFromCIDR(cidr).toString()) {
    throw new Error(`address ${cidr} is the network's broadcast address: no host can have it`);
  }
};

const gatewayOf = (nic: Nic, address: Address, prefix: number): string => {
  const gateway = parse(nic.gateway);
  if (!gateway) throw new Error(`gateway ${nic.gateway} is no IP address`);
  // Routers of IPv6 are known by their link-local addresses: RFC 4861.
  if (gateway.kind() === 'ipv6' && address.kind() === 'ipv6' && gateway.range() === 'linkLocal') {
    return gateway.toString();
  }
  if (gateway.kind() !== address.kind() || !gateway.match(address as ipaddr.IPv4 & ipaddr.IPv6, prefix)) {
    throw new Error(`gateway ${nic.gateway} is not in the network of ${address}/${prefix}`);
  }
  if (gateway.toString() === address.toString())
    throw new Error(`gateway ${nic.gateway} is the guest itself`);
  return gateway.toString();
};

/**
 * What a nic's `address`, `netmask` and `gateway` say, `undefined` when they say nothing.
 * @throws when they do not fit together
 */
export const interfaceAddress = (nic: Nic): InterfaceAddress | undefined => {
  if (!nic.address) {
    if (nic.netmask || nic.gateway) throw new Error('it has a netmask or a gateway, but no address');
    return undefined;
  }
  const [text = '', suffix, ...more] = nic.address.split('/');
  const address = more.length ? undefined : parse(text);
  if (!address) throw new Error(`address ${nic.address} is no IP address`);
  const prefix = agreedPrefix(nic, address, suffix);
  assertHost(address, prefix);
  return {
    family: address.kind() === 'ipv4' ? 4 : 6,
    cidr: `${address}/${prefix}`,
    ...(nic.gateway ? { gateway: gatewayOf(nic, address, prefix) } : {}),
  };
};

/** Whether a text is an IP address, of either version. */
export const isAddress = (text: string): boolean => parse(text) !== undefined;
