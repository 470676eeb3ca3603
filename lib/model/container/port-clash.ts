import ipaddr from 'ipaddr.js';
import type { PublishedPort } from './network.js';

/** The addresses that stand for all of a host. */
const ALL: ReadonlySet<string> = new Set(['', '0.0.0.0', '::']);

/** Returns the one form of an address that has many: `0:0::1` is `::1`, and `::ffff:192.0.2.1` is `192.0.2.1`. */
export const canonicalAddress = (address: string): string =>
  ipaddr.isValid(address) ? ipaddr.process(address).toString() : address;

const addressOf = ({ hostAddress = '' }: PublishedPort): string => canonicalAddress(hostAddress);

const protocolOf = ({ protocol = 'tcp' }: PublishedPort): string => protocol;

/** Whether two addresses of a host have one in common; `""` is all of them. */
export const shareAddress = (one: string, other: string): boolean => {
  const [first, second] = [canonicalAddress(one), canonicalAddress(other)];
  return ALL.has(first) || ALL.has(second) || first === second;
};

const clash = (one: PublishedPort, other: PublishedPort): boolean =>
  one.hostPort === other.hostPort &&
  protocolOf(one) === protocolOf(other) &&
  shareAddress(addressOf(one), addressOf(other));

/** Returns the first port that is among others, too; `undefined` when there is none. */
export const sharedPort = (
  ports: readonly PublishedPort[],
  others: readonly PublishedPort[],
): PublishedPort | undefined => ports.find((port) => others.some((other) => clash(port, other)));

/** Returns the first port that a container would publish twice. */
export const repeatedPort = (ports: readonly PublishedPort[]): PublishedPort | undefined =>
  ports.find((port, index) => sharedPort([port], ports.slice(0, index)));

/** Names a port of a host: `port 8080/tcp`, or that of one address. */
export const portName = (port: PublishedPort): string => {
  const name = `port ${port.hostPort}/${protocolOf(port)}`;
  return ALL.has(addressOf(port)) ? name : `${name} of ${addressOf(port)}`;
};
