import type { Context } from '../../lib/agent/context.js';
import type { Event, JobQuery, Reply } from '../../lib/model/endpoint.js';
import type { Volume } from '../../lib/model/volume.js';
import { submitVolumeDeletion } from '../../lib/runtime/actions/volume-actions.js';
import { submitOnce } from '../submit.js';
import type { VolumeParams } from './get.js';

export const deleteVolume = (
  event: Event<VolumeParams, JobQuery>,
  context: Context,
): Promise<Reply<Volume[]>> =>
  submitOnce(event, context, (options) =>
    submitVolumeDeletion(context.runtime, event.params.volumeName, options),
  );
