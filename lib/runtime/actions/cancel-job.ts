import { takenOver } from '../../model/intent.js';
import type { Job } from '../../model/job.js';
import type { Runtime } from '../runtime.js';

/**
 * Cancels a job for a client. After the cancellation of a start that the agent queued by itself, the guest stays off.
 * @throws {AgentError} as the queue's `cancel`
 */
export const cancelByClient = async ({ queue, guests }: Runtime, id: string): Promise<Job> => {
  const { Cause, GuestID } = queue.requireUnfinished(id);
  if ((Cause === 'autostart' || Cause === 'restart') && guests.find(GuestID))
    await guests.update(GuestID, (guest) => takenOver(guest, 'poweroff'));
  return queue.cancel(id);
};
