import type { Guest } from '../../model/guest.js';
import { type GuestPatch, withAgentPart } from '../../model/guest-patch.js';
import { guestExchange } from '../guests/guest-exchange.js';
import { grownBy, takenBy, updatePlan } from '../guests/updated-guest.js';
import type { JobContext } from '../jobs/job-executor.js';
import { runPipeline } from '../pipeline/pipeline.js';
import type { Runtime } from '../runtime.js';
import { requireTemplatable } from './templates.js';

/**
 * Changes a guest. Holds its new name and its growth meanwhile, so that no other change takes them. The keys that the
 * agent owns are stored together with the result of the last stage.
 * @throws {AgentError} `invalid` when the patch changes a part of a policy that the guest has lost meanwhile; `conflict`
 * when another guest has the name by now, or the quota does not permit the growth
 */
export const runUpdate = async (
  runtime: Runtime,
  patch: GuestPatch,
  { job, action: configured, run, signal, retryWrite }: JobContext,
): Promise<void> => {
  const id = job.GuestID;
  const finish = (guest: Guest): Guest => withAgentPart(guest, patch);
  const { action, change } = updatePlan(configured, patch);
  const exchange = guestExchange(runtime, action, id, { change, finish });
  const guest = runtime.guests.get(id);
  // A job before this one may have removed the policy that this one completes: reject that before any stage runs.
  finish(guest);
  requireTemplatable(guest, patch);
  await runtime.identities.claim(takenBy(guest, patch), () =>
    runtime.quota.growing(grownBy(guest, patch), async () => {
      await runPipeline(action, exchange, { run, signal });
      if (action.stages.length === 0) await retryWrite(() => runtime.guests.update(id, finish));
    }),
  );
};
