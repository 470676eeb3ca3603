import type { Readable } from 'node:stream';
import type { Context } from '../../lib/agent/context.js';
import type { Event, Reply } from '../../lib/model/endpoint.js';
import { openVolume } from '../../lib/runtime/actions/volume-actions.js';
import { downloaded } from '../replies.js';
import type { VolumeParams } from './get.js';

/** Passes the files of a volume through as they arrive. */
export const downloadVolume = async (
  { params, signal }: Event<VolumeParams>,
  { runtime }: Context,
): Promise<Reply<Readable>> => downloaded(await openVolume(runtime, params.volumeName, signal));
