import { Pool } from 'undici';
import type { ServiceAddress } from '../protocol/service-address.js';

/** Shorter than the idle timeout of common HTTP servers, so that the server never closes a connection first. */
const IDLE_MS = 4000;

/**
 * Makes a pool of connections to a sub-agent, which open on demand and stay open for the next call.
 * @param maxSockets the most connections that are open at the same time
 */
export const connectionsTo = (address: ServiceAddress, maxSockets: number): Pool => {
  const isPort = 'port' in address;
  return new Pool(isPort ? `http://127.0.0.1:${address.port}` : 'http://localhost', {
    ...(isPort ? {} : { socketPath: address.socket }),
    connections: maxSockets,
    keepAliveTimeout: IDLE_MS,
    // Callers set their own time limits.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
};
