import type { Context } from '../../lib/agent/context.js';
import type { Event, JobQuery, Reply } from '../../lib/model/endpoint.js';
import type { Image } from '../../lib/model/image.js';
import { queryUnusedImages, submitImagePrune } from '../../lib/runtime/actions/image-actions.js';
import { ok } from '../replies.js';
import { submitOnce } from '../submit.js';

/** Deletes the container images that no container was made from; a dry run lists them. */
export const pruneContainerImages = async (
  event: Event<unknown, JobQuery>,
  context: Context,
): Promise<Reply<{ images: Image[] }>> => {
  const { runtime } = context;
  if (event.query.dryRun) return ok({ images: (await queryUnusedImages(runtime, event.signal)).result });
  const { body: images, ...reply } = await submitOnce(event, context, (options) =>
    submitImagePrune(runtime, options),
  );
  return { ...reply, body: { images } };
};
