import type { Context } from '../../lib/agent/context.js';
import type { Event, JobQuery, Reply } from '../../lib/model/endpoint.js';
import type { NewVolume, Volume } from '../../lib/model/volume.js';
import { submitVolumeCreation } from '../../lib/runtime/actions/volume-actions.js';
import { submitOnce } from '../submit.js';

export const createVolume = (
  event: Event<unknown, JobQuery, NewVolume>,
  context: Context,
): Promise<Reply<Volume[]>> =>
  submitOnce(event, context, (options) => submitVolumeCreation(context.runtime, event.payload, options));
