import { AgentError } from '../../errors.js';
import type { Guest } from '../../model/guest.js';
import type { Runtime } from '../runtime.js';

/** States in which a guest has its disks open. */
const LIVE = new Set([
  ...['running', 'paused', 'suspended', 'blocked', 'shutdown'],
  ...['inmigrate', 'finish-migrate', 'postmigrate'],
]);

/**
 * Rejects a change of the disks of a guest that runs and has no queued actions. Queued actions may stop it first; if they do
 * not, the storage sub-agent rejects the change.
 * @param then completes "shut it down first, then …"
 */
export const requireStopped = (runtime: Runtime, { id, state = '' }: Guest, then: string): void => {
  if (LIVE.has(state) && runtime.isIdle(id))
    throw new AgentError('conflict', `guest ${id} is ${state}: shut it down first, then ${then}`);
};
