import type { Context } from '../../lib/agent/context.js';
import { volumeNotFound } from '../../lib/errors.js';
import type { Event, Reply } from '../../lib/model/endpoint.js';
import type { Volume } from '../../lib/model/volume.js';
import { queryVolume } from '../../lib/runtime/actions/volume-actions.js';
import { actionResult } from '../replies.js';
import { volumeFilter } from '../rights.js';

export interface VolumeParams {
  volumeName: string;
}

export const getVolume = async (event: Event<VolumeParams>, context: Context): Promise<Reply<Volume>> => {
  const { volumeName } = event.params;
  const found = await queryVolume(context.runtime, volumeName, event.signal);
  if (!volumeFilter(event, context)(found.result)) throw volumeNotFound(volumeName);
  return actionResult(found);
};
