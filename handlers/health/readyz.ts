import type { Context } from '../../lib/agent/context.js';
import { notReady } from '../../lib/errors.js';
import type { Event, Reply } from '../../lib/model/endpoint.js';
import { ok } from '../replies.js';

export interface Readiness {
  status: 'ok';
  /** What the sub-agents could not do and retry, in sentences, by service. */
  problems?: Record<string, readonly string[]>;
}

/**
 * Checks that the agent can carry out actions, and says what is still to be done in the background.
 * @throws {AgentError} `unavailable` while the agent is stopping or a sub-agent does not respond
 */
export const getReadiness = async (
  _event: Event,
  { services, problems, runtime }: Context,
): Promise<Reply<Readiness>> => {
  if (runtime.queue.isStopping) throw notReady('the agent is stopping');
  const down = [...services()].filter(([, isUp]) => !isUp).map(([name]) => name);
  const open = problems();
  if (down.length > 0) {
    const known = [...open].map(([name, each]) => `; ${name}: ${each.join('; ')}`).join('');
    throw notReady(`no response from ${down.join(', ')}${known}`);
  }
  return ok({ status: 'ok', ...(open.size > 0 ? { problems: Object.fromEntries(open) } : {}) });
};
