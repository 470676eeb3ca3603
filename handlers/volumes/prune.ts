import type { Context } from '../../lib/agent/context.js';
import type { Event, JobQuery, Reply } from '../../lib/model/endpoint.js';
import type { Volume, VolumePrune } from '../../lib/model/volume.js';
import { planVolumePrune, submitVolumePrune } from '../../lib/runtime/actions/volume-actions.js';
import { ok } from '../replies.js';
import { submitOnce } from '../submit.js';

/** Deletes the volumes that nothing uses; a dry run lists them. */
export const pruneVolumes = async (
  event: Event<unknown, JobQuery, VolumePrune | null>,
  context: Context,
): Promise<Reply<Volume[]>> => {
  const { runtime } = context;
  const plan = await planVolumePrune(runtime, event.payload?.volumes, event.signal);
  if (event.query.dryRun) return ok(plan);
  return submitOnce(event, context, (options) => submitVolumePrune(runtime, plan, options));
};
