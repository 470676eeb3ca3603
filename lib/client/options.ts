import { readFileSync } from 'node:fs';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { connect } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import type { AxiosRequestConfig } from 'axios';
import type { ClientOptions as WebSocketOptions } from 'ws';

export interface ClientOptions {
  /** The agent's address: `http://HOST:PORT`, `https://HOST:PORT`, or `unix:/path/to/socket`. */
  url: string;
  /** Sent as `Authorization: Bearer …`. */
  token?: string | undefined;
  /** A PEM file of the authorities that sign the agent's certificate; by default those that Node trusts. */
  caFile?: string | undefined;
  /** PEM files of the client certificate and its key. */
  certFile?: string | undefined;
  keyFile?: string | undefined;
  /** Seconds that a response may take, plus `wait` if the request waits for its job; 30 by default. */
  timeout?: number | undefined;
  /** How many times to send a failed request again; 4 by default. */
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

const requireHttp = (url: string): string => {
  if (URL.canParse(url) && ['http:', 'https:'].includes(new URL(url).protocol)) return url;
  throw new TypeError(
    `"${url}" is not the URL of an agent: give http://HOST:PORT, https://HOST:PORT or unix:/PATH`,
  );
};

/**
 * The headers of every request: the agent must reject unknown keys instead of ignoring them (RFC 7240, section 4.4).
 */
const headersOf = ({ token }: ClientOptions): Record<string, string> => ({
  Prefer: 'handling=strict',
  ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
});

/** The options of a WebSocket to the agent. */
export const wsOptions = (options: ClientOptions): WebSocketOptions & { baseUrl: string } => {
  const socketPath = UNIX.exec(options.url)?.groups?.path;
  return {
    baseUrl: socketPath ? 'ws://localhost' : requireHttp(options.url).replace(/^http/, 'ws'),
    headers: headersOf(options),
    ...tlsOptions(options),
    ...(socketPath ? { createConnection: () => connect(socketPath) } : {}),
  };
};

/**
 * The options of axios for requests to the agent.
 * @throws {TypeError} when the URL is not one of an agent
 * @throws {Error} when a PEM file cannot be read
 */
export const axiosOptions = (options: ClientOptions): AxiosRequestConfig => {
  const socketPath = UNIX.exec(options.url)?.groups?.path;
  const address = socketPath
    ? { baseURL: 'http://localhost', socketPath }
    : { baseURL: requireHttp(options.url) };
  return {
    ...address,
    httpAgent: new HttpAgent({ keepAlive: true }),
    ...(options.url.startsWith('https:')
      ? { httpsAgent: new HttpsAgent({ keepAlive: true, ...tlsOptions(options) }) }
      : {}),
    headers: headersOf(options),
    proxy: false,
    // A redirect would take the token to another host.
    maxRedirects: 0,
  };
};
