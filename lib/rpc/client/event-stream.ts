import type { Readable } from 'node:stream';
import type { Pool } from 'undici';
import { axios } from '../../http/axios.js';
import { EVENTS_PATH, type SubAgentEvent, subAgentEventSchema } from '../protocol/messages.js';
import { authorization, type ServiceEndpoint } from '../protocol/service-address.js';
import { toSubAgent } from './undici-adapter.js';

/**
 * Opens the event stream of a sub-agent.
 * @returns its bytes; `undefined` when the sub-agent answers, but has no event stream
 * @throws {Error} when nothing answers, or refuses the agent
 */
export const openEvents = async (
  endpoint: ServiceEndpoint,
  connections: Pool,
  signal: AbortSignal,
): Promise<Readable | undefined> => {
  const response = await axios.get<Readable>(EVENTS_PATH, {
    adapter: toSubAgent(connections, { headers: authorization(endpoint) }),
    responseType: 'stream',
    signal,
    validateStatus: () => true,
  });
  if (response.status === 200) return response.data;
  response.data.on('error', () => {}).destroy();
  if (response.status === 401) throw new Error("it refuses the agent's secret, or its lack of one");
  return undefined;
};

/** A line of such a stream, or what is wrong with it. */
export const parseEvent = (line: string): SubAgentEvent | Error => {
  try {
    const { value, error } = subAgentEventSchema.validate(JSON.parse(line));
    return error ?? value;
  } catch (error) {
    return error as SyntaxError;
  }
};
