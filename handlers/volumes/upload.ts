import { Readable } from 'node:stream';
import type { Context } from '../../lib/agent/context.js';
import type { Event, Reply } from '../../lib/model/endpoint.js';
import type { Volume } from '../../lib/model/volume.js';
import { uploadVolume as receiveVolume } from '../../lib/runtime/actions/volume-actions.js';
import { actionResult } from '../replies.js';
import type { VolumeParams } from './get.js';

/** Takes a tar archive and makes a volume of it. */
export const uploadVolume = async (
  { params, payload, signal }: Event<VolumeParams>,
  { runtime }: Context,
): Promise<Reply<Volume[]>> => {
  const bytes = payload instanceof Readable ? payload : Readable.from([]);
  return actionResult(await receiveVolume(runtime, params.volumeName, bytes, signal));
};
