import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import type { TokenRegistry } from '../auth/token-registry.js';
import type { ServerConfig } from '../config/server.js';
import { AgentError } from '../errors.js';
import type { Principal, Scope } from '../model/principal.js';

/** How those who come in by one way are known. */
export type Access =
  | { everyone: Principal }
  | { tokens: TokenRegistry | undefined; certificates: ReadonlyMap<string, Scope> | undefined };

/** On loopback, where the config asks for no more. */
export const LOCAL: Access = { everyone: { name: 'local', scope: 'admin' } };

/** The permissions of the socket have let them in. */
export const SOCKET: Access = { everyone: { name: 'socket', scope: 'admin' } };

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** Whether nobody can come from another machine. A name is what it resolves to. */
const isLoopback = async (host: string): Promise<boolean> => {
  const addresses = isIP(host) ? [host] : (await lookup(host, { all: true })).map(({ address }) => address);
  return addresses.every((address) => loopback.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4'));
};

const refuse = (what: string): never => {
  throw new AgentError('invalid', what);
};

/**
 * Decides how clients of an address have to say who they are.
 * @throws {AgentError} `invalid` that says why the agent must not listen there, and what to do
 */
export const accessTo = async (
  host: string,
  { auth, tls, certificates }: ServerConfig,
  tokens: TokenRegistry,
): Promise<Access> => {
  if (auth?.includes('certificate') && !tls?.client_ca)
    refuse('server.auth has "certificate", which needs server.tls with client_ca');
  if (!(await isLoopback(host))) {
    if (!auth)
      refuse(
        `whoever reaches ${host} could do anything with this host: set server.auth and server.tls in the config, or listen on loopback (see docs/security.md)`,
      );
    if (!tls)
      refuse(`tokens would go over the network in the clear on ${host}: set server.tls in the config`);
  }
  if (!auth) return LOCAL;
  return {
    tokens: auth.includes('token') ? tokens : undefined,
    certificates: auth.includes('certificate') ? new Map(Object.entries(certificates ?? {})) : undefined,
  };
};
