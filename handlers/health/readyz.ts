import type { Context } from '../../lib/agent/context.js';
import { notReady } from '../../lib/errors.js';
import type { Event, Reply } from '../../lib/model/endpoint.js';
import { ok } from '../replies.js';

/** Whether actions can be carried out: all sub-agents answer, and the agent is not stopping. */
export const getReadiness = async (
  _event: Event,
  { services, runtime }: Context,
): Promise<Reply<{ status: 'ok' }>> => {
  if (runtime.queue.isStopping) throw notReady('the agent is stopping');
  const down = [...services()].filter(([, isUp]) => !isUp).map(([name]) => name);
  if (down.length > 0) throw notReady(`no response from ${down.join(', ')}`);
  return ok({ status: 'ok' });
};
