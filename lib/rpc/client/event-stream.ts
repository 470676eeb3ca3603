import type { Readable } from 'node:stream';
import type { Pool } from 'undici';
import { axios } from '../../http/axios.js';
import { describeMistakes } from '../../model/describe-mistakes.js';
import { authorization, type ServiceEndpoint } from '../protocol/service-address.js';
import { EVENTS_PATH, type SubAgentEvent, subAgentEventSchema } from '../protocol/sub-agent-events.js';
import { undiciAdapter } from './undici-adapter.js';

/**
 * Opens the event stream of a sub-agent.
 * @returns its bytes; `undefined` when the sub-agent responds but has no event stream
 * @throws {Error} when the sub-agent does not respond, or rejects the agent's secret
 */
export const openEvents = async (
  endpoint: ServiceEndpoint,
  connections: Pool,
  signal: AbortSignal,
): Promise<Readable | undefined> => {
  const response = await axios.get<Readable>(EVENTS_PATH, {
    adapter: undiciAdapter(connections, { headers: authorization(endpoint) }),
    responseType: 'stream',
    signal,
    validateStatus: () => true,
  });
  if (response.status === 200) return response.data;
  response.data.on('error', () => {}).destroy();
  if (response.status === 401) throw new Error("the sub-agent rejects the agent's secret, or wants one");
  return undefined;
};

/** Parses a line of an event stream. Returns an error rather than throwing it. */
export const parseEvent = (line: string): SubAgentEvent | Error => {
  try {
    const { value, error } = subAgentEventSchema.validate(JSON.parse(line));
    return error ? new Error(describeMistakes(error)) : value;
  } catch (error) {
    return error as SyntaxError;
  }
};
