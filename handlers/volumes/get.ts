import type { Context } from '../../lib/agent/context.js';
import type { Event, Reply } from '../../lib/model/endpoint.js';
import type { Volume } from '../../lib/model/volume.js';
import { queryVolume } from '../../lib/runtime/actions/volume-actions.js';
import { actionResult } from '../replies.js';

export interface VolumeParams {
  volumeName: string;
}

export const getVolume = async (
  { params, signal }: Event<VolumeParams>,
  { runtime }: Context,
): Promise<Reply<Volume>> => actionResult(await queryVolume(runtime, params.volumeName, signal));
