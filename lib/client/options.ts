import { readFileSync } from 'node:fs';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { connect } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import type { AxiosRequestConfig } from 'axios';
import type { ClientOptions as WebSocketOptions } from 'ws';

export interface ClientOptions {
  /** Where the agent is: `http://HOST:PORT`, `https://HOST:PORT`, or `unix:/path/of/its/socket`. */
  url: string;
  /** Sent as `Authorization: Bearer …`. */
  token?: string | undefined;
  /** A PEM file with the certificates that sign the agent's; by default those that Node trusts. */
  caFile?: string | undefined;
  /** PEM files with the certificate that the client shows, and its key. */
  certFile?: string | undefined;
  keyFile?: string | undefined;
  /** Seconds that an answer may take, beside what a request waits for its job; 30 by default. */
  timeout?: number | undefined;
  /** How often a request is sent again at most; 4 by default. */
  retries?: number | undefined;
}

export const DEFAULT_TIMEOUT_SECONDS = 30;
export const DEFAULT_RETRIES = 4;

const UNIX = /^unix:(?:\/\/)?(?<path>\/.+)$/;

const read = (file: string | undefined): Buffer | undefined =>
  file === undefined ? undefined : readFileSync(file);

const tlsOptions = ({ caFile, certFile, keyFile }: ClientOptions): SecureContextOptions => {
  const [ca, cert, key] = [read(caFile), read(certFile), read(keyFile)];
  return { ...(ca ? { ca } : {}), ...(cert ? { cert } : {}), ...(key ? { key } : {}) };
};

const checked = (url: string): string => {
  if (URL.canParse(url) && ['http:', 'https:'].includes(new URL(url).protocol)) return url;
  throw new TypeError(`"${url}" is no agent's URL: give http://HOST:PORT, https://HOST:PORT or unix:/PATH`);
};

const authorization = ({ token }: ClientOptions): Record<string, string> =>
  token === undefined ? {} : { Authorization: `Bearer ${token}` };

/** How a WebSocket to the agent is opened. */
export const webSocketOf = (options: ClientOptions): WebSocketOptions & { baseUrl: string } => {
  const socketPath = UNIX.exec(options.url)?.groups?.path;
  return {
    baseUrl: socketPath ? 'ws://localhost' : checked(options.url).replace(/^http/, 'ws'),
    headers: authorization(options),
    ...tlsOptions(options),
    ...(socketPath ? { createConnection: () => connect(socketPath) } : {}),
  };
};

/**
 * How axios reaches the agent.
 * @throws {TypeError} when the URL is none
 * @throws {Error} when a PEM file cannot be read
 */
export const connectionOf = (options: ClientOptions): AxiosRequestConfig => {
  const socketPath = UNIX.exec(options.url)?.groups?.path;
  const address = socketPath
    ? { baseURL: 'http://localhost', socketPath }
    : { baseURL: checked(options.url) };
  return {
    ...address,
    httpAgent: new HttpAgent({ keepAlive: true }),
    ...(options.url.startsWith('https:')
      ? { httpsAgent: new HttpsAgent({ keepAlive: true, ...tlsOptions(options) }) }
      : {}),
    headers: authorization(options),
    proxy: false,
    // A token is for the agent alone, not for where somebody else points.
    maxRedirects: 0,
  };
};
