import type { Context } from '../../lib/agent/context.js';
import { notReady } from '../../lib/errors.js';
import type { Event, Reply } from '../../lib/model/endpoint.js';
import { ok } from '../replies.js';

/**
 * Checks that the agent can carry out actions.
 * @throws {AgentError} `unavailable` while the agent is stopping or a sub-agent does not respond
 */
export const getReadiness = async (
  _event: Event,
  { services, runtime }: Context,
): Promise<Reply<{ status: 'ok' }>> => {
  if (runtime.queue.isStopping) throw notReady('the agent is stopping');
  const down = [...services()].filter(([, isUp]) => !isUp).map(([name]) => name);
  if (down.length > 0) throw notReady(`no response from ${down.join(', ')}`);
  return ok({ status: 'ok' });
};
