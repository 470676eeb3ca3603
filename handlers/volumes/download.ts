import type { Readable } from 'node:stream';
import type { Context } from '../../lib/agent/context.js';
import type { Event, Reply } from '../../lib/model/endpoint.js';
import { openVolume } from '../../lib/runtime/actions/volume-actions.js';
import { downloaded } from '../replies.js';
import { requireVolume } from '../rights.js';
import type { VolumeParams } from './get.js';

/** Passes the files of a volume through as they arrive. */
export const downloadVolume = async (
  event: Event<VolumeParams>,
  context: Context,
): Promise<Reply<Readable>> => {
  const { volumeName } = event.params;
  await requireVolume(event, context, volumeName);
  return downloaded(await openVolume(context.runtime, volumeName, event.signal));
};
