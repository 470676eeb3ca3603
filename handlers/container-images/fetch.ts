import type { Context } from '../../lib/agent/context.js';
import type { Event, JobQuery, Reply } from '../../lib/model/endpoint.js';
import type { Image, ImageFetch } from '../../lib/model/image.js';
import { submitImageFetch } from '../../lib/runtime/actions/image-actions.js';
import { submitOnce } from '../submit.js';

export const fetchContainerImage = async (
  event: Event<unknown, JobQuery, ImageFetch>,
  context: Context,
): Promise<Reply<{ images: Image[] }>> => {
  const fetch = { ...event.payload, type: 'container' };
  const reply = await submitOnce(event, context, (options) =>
    submitImageFetch(context.runtime, fetch, options),
  );
  return { ...reply, body: { images: reply.body } };
};
