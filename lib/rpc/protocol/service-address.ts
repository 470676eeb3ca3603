import { lstat, rm } from 'node:fs/promises';
import { createConnection, type Socket } from 'node:net';
import { basename } from 'node:path';
import type { ClientOptions } from 'ws';
import { errorMessage, isErrno } from '../../errors.js';

/** Where a sub-agent listens: a TCP port on loopback, or the path of a unix socket. */
export type ServiceAddress = { port: number } | { socket: string };

/** An address, and the secret that whoever listens there wants to see in every call, if it wants one. */
export interface ServiceEndpoint {
  address: ServiceAddress;
  secret: string | undefined;
}

/** The bytes that `sockaddr_un.sun_path` holds, less the final NUL: unix(7). */
export const MAX_SOCKET_PATH = 107;

/** By how many bytes a path is too long for a unix socket; 0 when it is not. */
export const excessOfSocketPath = (path: string): number =>
  Math.max(0, Buffer.byteLength(path) - MAX_SOCKET_PATH);

/** For logs and for whoever starts the agent. The same address gives the same words. */
export const describeAddress = (address: ServiceAddress): string =>
  'port' in address ? `port ${address.port}` : `socket ${address.socket}`;

/** For those who call the API, whom directories are none of their business. */
export const nameAddress = (address: ServiceAddress): string =>
  'port' in address ? describeAddress(address) : `socket ${basename(address.socket)}`;

/** The header with the secret, if there is one. */
export const authorization = ({ secret }: ServiceEndpoint): { Authorization?: string } =>
  secret === undefined ? {} : { Authorization: `Bearer ${secret}` };

const connectTo = (address: ServiceAddress): Socket =>
  createConnection('port' in address ? { host: '127.0.0.1', port: address.port } : { path: address.socket });

/** What to connect to, and with which headers, for a WebSocket. */
export const webSocketOptions = (endpoint: ServiceEndpoint): ClientOptions => ({
  createConnection: () => connectTo(endpoint.address),
  headers: authorization(endpoint),
});

/** Whether somebody listens there, be it one whom we may not talk to. */
export const isListening = (address: ServiceAddress): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connectTo(address);
    const settle = (listening: boolean): void => {
      socket.destroy();
      resolve(listening);
    };
    socket.once('connect', () => settle(true));
    socket.once('error', (error) => settle(!isErrno(error, 'ECONNREFUSED', 'ENOENT')));
  });

/**
 * Removes a socket that was left behind by a process that was killed: nobody could listen there otherwise.
 * @throws when something else is in its place
 */
export const removeStaleSocket = async (address: ServiceAddress): Promise<void> => {
  if ('port' in address) return;
  const { socket } = address;
  const stats = await lstat(socket).catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw new Error(`the socket ${socket} cannot be made: ${errorMessage(error)}`);
  });
  if (stats === undefined || (await isListening(address))) return;
  if (!stats.isSocket())
    throw new Error(`${socket} is there and is no socket: remove it, or choose another path`);
  await rm(socket, { force: true });
};
