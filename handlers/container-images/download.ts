import type { Readable } from 'node:stream';
import type { Context } from '../../lib/agent/context.js';
import type { Event, Reply } from '../../lib/model/endpoint.js';
import { openContainerImage } from '../../lib/runtime/actions/upload-actions.js';
import type { ImageParams } from '../images/get.js';
import { downloaded } from '../replies.js';

/** Passes a container image through as an archive, as it arrives. */
export const downloadContainerImage = async (
  event: Event<ImageParams>,
  { runtime }: Context,
): Promise<Reply<Readable>> =>
  downloaded(await openContainerImage(runtime, event.params.imageID, event.signal));
