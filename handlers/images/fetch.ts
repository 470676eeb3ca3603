import type { Context } from '../../lib/agent/context.js';
import type { Event, JobQuery, Reply } from '../../lib/model/endpoint.js';
import type { Image, ImageFetch } from '../../lib/model/image.js';
import { submitImageFetch, submitImageOfGuest } from '../../lib/runtime/actions/image-actions.js';
import { submitOnce } from '../submit.js';

/** Fetches an image, or makes one of a guest's disk. */
export const fetchImage = async (
  event: Event<unknown, JobQuery, ImageFetch>,
  context: Context,
): Promise<Reply<{ images: Image[] }>> => {
  const { id, guest, snapshot, disk } = event.payload;
  const origin = guest && {
    guest,
    ...(snapshot ? { snapshot } : {}),
    ...(disk ? { disk } : {}),
  };
  const reply = await submitOnce(event, context, async (options) =>
    origin
      ? submitImageOfGuest(context.runtime, id, origin, options)
      : submitImageFetch(context.runtime, event.payload, options),
  );
  return { ...reply, body: { images: reply.body } };
};
