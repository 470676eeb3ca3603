import * as images from '../../lib/runtime/image-actions.js';
import type { ImageParams } from '../images/get.js';
import { acceptedOrDone } from '../replies.js';
import type { Context, Event, Reply, WaitQuery } from '../types.js';

export const deleteContainerImage = async (
  { params, query }: Event<ImageParams, WaitQuery>,
  { runtime }: Context,
): Promise<Reply<Record<string, never>>> => {
  const { job, done } = await images.deleteImage(runtime, params.imageID, 'container');
  return acceptedOrDone({ job, done: done.then(() => ({})) }, {}, query.wait);
};
