import { Pool } from 'undici';
import type { ServiceAddress } from '../protocol/service-address.js';

/** Shorter than the idle time of any common HTTP server, so that it is never the server that closes first. */
const IDLE_MS = 4000;

/**
 * Connections to a sub-agent, which are made when they are needed and kept for the next call.
 * @param most at the same time
 */
export const connectionsTo = (address: ServiceAddress, most: number): Pool => {
  const isPort = 'port' in address;
  return new Pool(isPort ? `http://127.0.0.1:${address.port}` : 'http://localhost', {
    ...(isPort ? {} : { socketPath: address.socket }),
    connections: most,
    keepAliveTimeout: IDLE_MS,
    // How long an answer may take is for its caller to say.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
};
