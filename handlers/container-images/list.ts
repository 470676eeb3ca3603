import type { Context } from '../../lib/agent/context.js';
import type { Event, ListQuery, Reply } from '../../lib/model/endpoint.js';
import type { Image } from '../../lib/model/image.js';
import { queryImages } from '../../lib/runtime/actions/image-actions.js';
import { pageOfAll } from '../pages.js';
import { actionResult } from '../replies.js';

export const listContainerImages = async (
  { query, signal }: Event<unknown, ListQuery>,
  { runtime }: Context,
): Promise<Reply<Image[]>> => pageOfAll(actionResult(await queryImages(runtime, 'container', signal)), query);
