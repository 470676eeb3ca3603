import ipaddr from 'ipaddr.js';
import type { Nic } from '../../../model/guest.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** The address that a guest configures on one of its NICs. */
export interface InterfaceAddress {
  family: 4 | 6;
  /** The address with its prefix length: `192.0.2.10/24`. */
  cidr: string;
  gateway?: string;
}

/** ipaddr.js's names of the ranges that a host cannot take its address from. */
const RESERVED_RANGES: ReadonlySet<string> = new Set([
  'unspecified',
  'broadcast',
  'multicast',
  'loopback',
  'ipv4Mapped',
]);
const BITS = { ipv4: 32, ipv6: 128 } as const;
/** Networks with a longer prefix have neither a network nor a broadcast address: RFC 3021. */
const LONGEST_WITH_BROADCAST = 30;

/** Parses an address; `undefined` when the text is not one. IPv4 must have four decimal parts. */
const parse = (text: string): Address | undefined => {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text);
  return ipaddr.IPv6.isValid(text) ? ipaddr.IPv6.parse(text) : undefined;
};

/** A netmask in hexadecimal, as Go prints an `IPMask`: `ffffff00`, or 32 digits for IPv6. */
const HEX_MASK = /^(?:[0-9a-f]{8}|[0-9a-f]{32})$/i;

const parseMask = (netmask: string): Address | undefined =>
  HEX_MASK.test(netmask) ? ipaddr.fromByteArray([...Buffer.from(netmask, 'hex')]) : parse(netmask);

/** Converts a netmask in any of its forms (`255.255.255.0`, `24`, `/24`, `ffffff00`) to a prefix length. */
const prefixOf = (netmask: string, address: Address): number => {
  const bits = BITS[address.kind()];
  const digits = /^\/?(?<length>\d{1,3})$/.exec(netmask)?.groups?.length;
  const mask = digits === undefined ? parseMask(netmask) : undefined;
  if (mask && mask.kind() !== address.kind()) {
    throw new Refusal('invalid', `netmask ${netmask} and address ${address} are of different IP versions`);
  }
  const length = digits === undefined ? mask?.prefixLengthFromSubnetMask() : Number(digits);
  if (typeof length !== 'number' || length < 1 || length > bits) {
    throw new Refusal(
      'invalid',
      `netmask ${netmask} is invalid: give one like ${bits === 32 ? '255.255.255.0 or 24' : '64'}`,
    );
  }
  return length;
};

/** @throws when the NIC has no prefix length, or `address` and `netmask` give different ones */
const agreedPrefix = (nic: Nic, address: Address, suffix: string | undefined): number => {
  const own = suffix === undefined ? undefined : prefixOf(suffix, address);
  const given = nic.netmask ? prefixOf(nic.netmask, address) : undefined;
  const prefix = own ?? given;
  if (prefix === undefined)
    throw new Refusal(
      'invalid',
      `address ${nic.address} needs a netmask: give one like /24 or 255.255.255.0`,
    );
  if (given !== undefined && given !== prefix) {
    throw new Refusal('invalid', `netmask ${nic.netmask} contradicts the address ${nic.address}`);
  }
  return prefix;
};

const assertHost = (address: Address, prefix: number): void => {
  if (RESERVED_RANGES.has(address.range()))
    throw new Refusal('invalid', `address ${address} is ${address.range()}: a host cannot use it`);
  if (address.kind() === 'ipv6' || prefix > LONGEST_WITH_BROADCAST) return;
  const cidr = `${address}/${prefix}`;
  const text = address.toString();
  if (text === ipaddr.IPv4.networkAddressFromCIDR(cidr).toString()) {
    throw new Refusal('invalid', `address ${cidr} is the network's own address: a host cannot use it`);
  }
  if (text === ipaddr.IPv4.broadcastAddressFromCIDR(cidr).toString()) {
    throw new Refusal('invalid', `address ${cidr} is the network's broadcast address: a host cannot use it`);
  }
};

const gatewayOf = (nic: Nic, address: Address, prefix: number): string => {
  const gateway = parse(nic.gateway);
  if (!gateway) throw new Refusal('invalid', `gateway ${nic.gateway} is not an IP address`);
  // IPv6 routers announce themselves by their link-local addresses: RFC 4861.
  if (gateway.kind() === 'ipv6' && address.kind() === 'ipv6' && gateway.range() === 'linkLocal') {
    return gateway.toString();
  }
  if (gateway.kind() !== address.kind() || !gateway.match(address as ipaddr.IPv4 & ipaddr.IPv6, prefix)) {
    throw new Refusal('invalid', `gateway ${nic.gateway} is not in the network of ${address}/${prefix}`);
  }
  if (gateway.toString() === address.toString())
    throw new Refusal('invalid', `gateway ${nic.gateway} is the guest's own address`);
  return gateway.toString();
};

/**
 * Reads a NIC's `address`, `netmask` and `gateway`; `undefined` when all are empty.
 * @throws when one is invalid or they contradict each other
 */
export const interfaceAddress = (nic: Nic): InterfaceAddress | undefined => {
  if (!nic.address) {
    if (nic.netmask || nic.gateway)
      throw new Refusal('invalid', 'a netmask or a gateway needs an address: give one, or leave both out');
    return undefined;
  }
  const [text = '', suffix, ...more] = nic.address.split('/');
  const address = more.length ? undefined : parse(text);
  if (!address) throw new Refusal('invalid', `address ${nic.address} is not an IP address`);
  const prefix = agreedPrefix(nic, address, suffix);
  assertHost(address, prefix);
  return {
    family: address.kind() === 'ipv4' ? 4 : 6,
    cidr: `${address}/${prefix}`,
    ...(nic.gateway ? { gateway: gatewayOf(nic, address, prefix) } : {}),
  };
};
