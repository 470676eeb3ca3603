import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import ipaddr from 'ipaddr.js';
import { coalesce } from '../async/coalesce.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** A read of the tables can miss an entry while others change, so an entry counts as missing after this many. */
const MAX_READS = 3;

const V4_IN_V6 = '0000000000000000FFFF0000';

/** Formats an address as proc_net_tcp(5) does: words of 32 bits in the host's byte order, in hex. */
const hexOf = (address: Address): string => {
  const bytes = Buffer.from(address.toByteArray());
  return bytes.swap32().toString('hex').toUpperCase();
};

const portOf = (port = 0): string => port.toString(16).toUpperCase().padStart(4, '0');

/**
 * The sockets of this network namespace, by IP version. Connections that arrive at the same time share a read: the kernel
 * looks through its table of all connections for each one.
 */
const TABLES = {
  ipv4: coalesce(() => readFile('/proc/net/tcp', 'latin1')),
  ipv6: coalesce(() => readFile('/proc/net/tcp6', 'latin1')),
};

/** Returns the uid of the process that has the socket, `undefined` without an entry or when no process has it. */
const uidIn = (tables: string, ends: string): number | undefined => {
  const start = tables.indexOf(ends);
  if (start < 0) return undefined;
  // State, queues, timer, retransmits, uid, timeout, inode.
  const [, , , , uid, , inode] = tables
    .slice(start + ends.length, tables.indexOf('\n', start))
    .trim()
    .split(/\s+/);
  return inode === undefined || Number(inode) === 0 ? undefined : Number(uid);
};

/** Whether the other end of a connection is a socket of this host. */
export const isLocalPeer = ({ remoteAddress, localAddress }: Socket): boolean => {
  if (remoteAddress === undefined) return true;
  if (remoteAddress === localAddress) return true;
  const address = ipaddr.process(remoteAddress);
  if (address.range() === 'loopback') return true;
  const text = address.toString();
  return Object.values(networkInterfaces()).some((each) => each?.some((own) => own.address === text));
};

/**
 * Returns the uid of the process at the other end of a connection within this host; `undefined` when no process has the
 * other end any more, so that a client which closes at once cannot hide its uid.
 */
export const peerUid = async (socket: Socket): Promise<number | undefined> => {
  const { remoteAddress, remotePort, localAddress, localPort } = socket;
  if (remoteAddress === undefined || localAddress === undefined) return undefined;
  const address = ipaddr.process(remoteAddress);
  const [peer, own] = [address, ipaddr.process(localAddress)].map(hexOf);
  const ends = (prefix: string): string =>
    ` ${prefix}${peer}:${portOf(remotePort)} ${prefix}${own}:${portOf(localPort)} `;
  for (let n = 0; n < MAX_READS && !socket.destroyed; n += 1) {
    const uid = uidIn(await TABLES[address.kind()](), ends(''));
    if (uid !== undefined) return uid;
    if (address.kind() === 'ipv6') continue;
    // A program may reach IPv4 by a socket for IPv6.
    const mapped = uidIn(await TABLES.ipv6(), ends(V4_IN_V6));
    if (mapped !== undefined) return mapped;
  }
  return undefined;
};
