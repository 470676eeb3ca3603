import type { Context } from '../../lib/agent/context.js';
import type { Event, JobQuery, Reply } from '../../lib/model/endpoint.js';
import { submitImageDeletion } from '../../lib/runtime/actions/image-actions.js';
import type { ImageParams } from '../images/get.js';
import { submitOnce } from '../submit.js';

export const deleteContainerImage = async (
  event: Event<ImageParams, JobQuery>,
  context: Context,
): Promise<Reply<Record<string, never>>> => {
  const reply = await submitOnce(event, context, (options) =>
    submitImageDeletion(context.runtime, event.params.imageID, 'container', options),
  );
  return { ...reply, body: {} };
};
