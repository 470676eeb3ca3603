import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import type { TokenRegistry } from '../auth/token-registry.js';
import type { ServerConfig } from '../config/server.js';
import { invalid } from '../errors.js';
import type { Principal } from '../model/principal.js';
import { type Grant, grantsOfScope } from '../model/rights.js';

/** How an endpoint identifies its clients: as one principal, or by tokens, certificates (grants by name) or both. */
export type Access =
  | { everyone: Principal }
  | { tokens: TokenRegistry | undefined; certificates: ReadonlyMap<string, Grant[]> | undefined };

/** Admits every client on loopback, unless the config requires credentials. */
export const LOCAL: Access = { everyone: { name: 'local', grants: grantsOfScope('admin') } };

/** Admits every client of the Unix socket: its permissions decide who can connect. */
export const SOCKET: Access = { everyone: { name: 'socket', grants: grantsOfScope('admin') } };

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** Whether only this machine can connect to the host: all addresses that its name resolves to are loopback. */
const isLoopback = async (host: string): Promise<boolean> => {
  const addresses = isIP(host) ? [host] : (await lookup(host, { all: true })).map(({ address }) => address);
  return addresses.every((address) => loopback.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4'));
};

/**
 * Decides which credentials the clients of an address need.
 * @throws {AgentError} `invalid` when listening there would be unsafe; the message says what to configure
 */
export const accessTo = async (
  host: string,
  { auth, tls, certificates }: ServerConfig,
  tokens: TokenRegistry,
): Promise<Access> => {
  if (auth?.includes('certificate') && !tls?.client_ca)
    throw invalid('server.auth contains "certificate": set server.tls.client_ca as well');
  if (!(await isLoopback(host))) {
    if (!auth)
      throw invalid(
        `listening on ${host} would give everyone on the network control of this host: set server.auth and server.tls in the config, or listen on loopback (see docs/security.md)`,
      );
    if (!tls)
      throw invalid(
        `listening on ${host} without TLS would send tokens over the network in the clear: set server.tls in the config`,
      );
  }
  if (!auth) return LOCAL;
  return {
    tokens: auth.includes('token') ? tokens : undefined,
    certificates: auth.includes('certificate') ? new Map(Object.entries(certificates ?? {})) : undefined,
  };
};
