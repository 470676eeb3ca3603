import { lstat, rm } from 'node:fs/promises';
import { createConnection, type Socket } from 'node:net';
import { basename } from 'node:path';
import type { ClientOptions } from 'ws';
import { errorMessage, isErrno } from '../../errors.js';

/** Where a sub-agent listens: a TCP port on loopback, or the path of a unix socket. */
export type ServiceAddress = { port: number } | { socket: string };

/** An address, and the secret that every call to it must carry, if any. */
export interface ServiceEndpoint {
  address: ServiceAddress;
  secret: string | undefined;
}

/** The longest path of a unix socket, in bytes: `sun_path` without its final NUL, unix(7). */
export const MAX_SOCKET_PATH = 107;

/** Counts the bytes by which a path is too long for a unix socket; 0 when it fits. */
export const excessOfSocketPath = (path: string): number =>
  Math.max(0, Buffer.byteLength(path) - MAX_SOCKET_PATH);

/** Describes an address in logs. Equal addresses give equal descriptions. */
export const describeAddress = (address: ServiceAddress): string =>
  'port' in address ? `port ${address.port}` : `socket ${address.socket}`;

/** Describes an address to clients of the API, without the directory. */
export const publicAddress = (address: ServiceAddress): string =>
  'port' in address ? describeAddress(address) : `socket ${basename(address.socket)}`;

/** Makes the header that carries the secret, if there is one. */
export const authorization = ({ secret }: ServiceEndpoint): { Authorization?: string } =>
  secret === undefined ? {} : { Authorization: `Bearer ${secret}` };

const connectTo = (address: ServiceAddress): Socket =>
  createConnection('port' in address ? { host: '127.0.0.1', port: address.port } : { path: address.socket });

/** Makes the options of a WebSocket to an endpoint. */
export const webSocketOptions = (endpoint: ServiceEndpoint): ClientOptions => ({
  createConnection: () => connectTo(endpoint.address),
  headers: authorization(endpoint),
});

/** Checks whether a process listens at an address, including one that this user may not connect to. */
export const isListening = (address: ServiceAddress): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connectTo(address);
    const finish = (listening: boolean): void => {
      socket.destroy();
      resolve(listening);
    };
    socket.once('connect', () => finish(true));
    socket.once('error', (error) => finish(!isErrno(error, 'ECONNREFUSED', 'ENOENT')));
  });

/**
 * Removes the socket that a killed process left behind: listen(2) would fail on it.
 * @throws when the path holds something else
 */
export const removeStaleSocket = async (address: ServiceAddress): Promise<void> => {
  if ('port' in address) return;
  const { socket } = address;
  const stats = await lstat(socket).catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw new Error(`cannot create the socket ${socket}: ${errorMessage(error)}`);
  });
  if (stats === undefined || (await isListening(address))) return;
  if (!stats.isSocket())
    throw new Error(`${socket} exists and is not a socket: remove it, or choose another path`);
  await rm(socket, { force: true });
};
