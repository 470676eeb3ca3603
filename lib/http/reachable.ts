import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Network = [Address, number];

/** The addresses of the Internet: RFC 4291, section 2.4. All others of IPv6 are for special uses. */
const GLOBAL_UNICAST: Network = [ipaddr.parse('2000::'), 3];
/** The prefix by which NAT64 reaches IPv4 addresses: RFC 6052, section 2.1. */
const NAT64: Network = [ipaddr.parse('64:ff9b::'), 96];

const isIn = (address: Address, [network, bits]: Network): boolean =>
  address.kind() === network.kind() && address.match(network as ipaddr.IPv4 & ipaddr.IPv6, bits);

/** Parses an address. IPv4 addresses inside of IPv6 ones (`::ffff:192.0.2.1`, NAT64) become IPv4. */
const parseAddress = (text: string): Address => {
  const address = ipaddr.process(text);
  return isIn(address, NAT64) ? ipaddr.fromByteArray(address.toByteArray().slice(-4)) : address;
};

/** Parses an address or a network: `192.0.2.1`, `10.0.0.0/8`. `undefined` when it is neither. */
const parseNetwork = (text: string): Network | undefined => {
  if (ipaddr.isValidCIDR(text)) return ipaddr.parseCIDR(text);
  if (!ipaddr.IPv4.isValidFourPartDecimal(text) && !ipaddr.IPv6.isValid(text)) return undefined;
  const address = ipaddr.process(text);
  return [address, address.kind() === 'ipv4' ? 32 : 128];
};

export const isNetwork = (text: string): boolean => parseNetwork(text) !== undefined;

/** What ipaddr.js calls the ranges, in words. */
const WORDS: Readonly<Record<string, string>> = {
  carrierGradeNat: 'private',
  linkLocal: 'link-local',
  uniqueLocal: 'private',
  deprecatedSiteLocal: 'private',
};
const PUBLIC = 'unicast';

const classOf = (address: Address): string => {
  const range = address.range();
  if (range !== PUBLIC) return WORDS[range] ?? range;
  return address.kind() === 'ipv4' || isIn(address, GLOBAL_UNICAST) ? PUBLIC : 'reserved';
};

/** Decides which addresses may be connected to: all of the Internet, and those that the config lists. */
export class Reachable {
  readonly #listed: readonly Network[];

  /** @param listed addresses and networks that are not on the Internet and may be reached nevertheless */
  constructor(listed: readonly string[] = []) {
    this.#listed = listed.map(parseNetwork).filter((network) => network !== undefined);
  }

  /** Returns what an address is that may not be reached, such as `loopback`; `undefined` for one that may. */
  obstacle(text: string): string | undefined {
    const address = parseAddress(text);
    const kind = classOf(address);
    return kind === PUBLIC || this.#listed.some((network) => isIn(address, network)) ? undefined : kind;
  }
}
