import { startDeadline } from '../../async/deadline.js';
import { HEALTH_PATH } from '../protocol/calls.js';
import { authorization, describeAddress, type ServiceEndpoint } from '../protocol/service-address.js';
import { connectionsTo } from './connections.js';

/**
 * Makes a sub-agent's health call. Any response counts, also that of a sub-agent without such a call.
 * @param ms milliseconds to wait
 * @throws {Error} when there was no response
 */
export const askHealth = async (
  endpoint: ServiceEndpoint,
  ms: number,
  signal: AbortSignal,
): Promise<void> => {
  // A connection of its own: an answer on an old one could be late for an earlier call.
  const connections = connectionsTo(endpoint.address, 1);
  const expired = (): Error => new Error(`no response from ${describeAddress(endpoint.address)}`);
  const deadline = startDeadline({ ms, expired }, signal);
  try {
    const { body } = await connections.request({
      method: 'GET',
      path: HEALTH_PATH,
      headers: authorization(endpoint),
      signal: deadline.signal,
    });
    await body.dump();
  } finally {
    deadline.clear();
    await connections.destroy();
  }
};
