import type { Context } from '../../lib/agent/context.js';
import type { Event, JobQuery, Reply } from '../../lib/model/endpoint.js';
import type { Image, ImageFetch } from '../../lib/model/image.js';
import { submitImageFetch } from '../../lib/runtime/actions/image-actions.js';
import { submitOnce } from '../submit.js';

export const fetchImage = async (
  event: Event<unknown, JobQuery, ImageFetch>,
  context: Context,
): Promise<Reply<{ images: Image[] }>> => {
  const reply = await submitOnce(event, context, (options) =>
    submitImageFetch(context.runtime, event.payload, options),
  );
  return { ...reply, body: { images: reply.body } };
};
