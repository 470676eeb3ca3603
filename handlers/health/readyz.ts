import type { Context } from '../../lib/agent/context.js';
import { notReady } from '../../lib/errors.js';
import { describeShortage, isFull } from '../../lib/files/room.js';
import type { Event, Reply } from '../../lib/model/endpoint.js';
import { ok } from '../replies.js';

export interface Readiness {
  status: 'ok';
  /** What the sub-agents could not do and retry, and what runs short, in sentences, by service; `agent` is the agent. */
  problems?: Record<string, readonly string[]>;
}

/**
 * Checks that the agent can carry out actions, and says what is still to be done in the background.
 * @throws {AgentError} `unavailable` while the agent is stopping, a sub-agent does not respond, or the agent cannot write its
 * state
 */
export const getReadiness = async (
  _event: Event,
  { services, problems, stateRoom, runtime }: Context,
): Promise<Reply<Readiness>> => {
  if (runtime.queue.isStopping) throw notReady('the agent is stopping');
  const down = [...services()].filter(([, isUp]) => !isUp).map(([name]) => name);
  const open = new Map(problems());
  const room = await stateRoom();
  const shortage = describeShortage("the disk of the agent's state", room);
  if (shortage !== undefined) {
    if (isFull(room)) throw notReady(shortage);
    open.set('agent', [shortage]);
  }
  if (down.length > 0) {
    const known = [...open].map(([name, each]) => `; ${name}: ${each.join('; ')}`).join('');
    throw notReady(`no response from ${down.join(', ')}${known}`);
  }
  return ok({ status: 'ok', ...(open.size > 0 ? { problems: Object.fromEntries(open) } : {}) });
};
