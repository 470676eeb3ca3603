import type { Context } from '../../lib/agent/context.js';
import type { Event, ListQuery, Reply } from '../../lib/model/endpoint.js';
import type { Image } from '../../lib/model/image.js';
import { queryImages } from '../../lib/runtime/actions/image-actions.js';
import { pageOfAll } from '../pages.js';
import { actionResult } from '../replies.js';

export interface ImagesQuery extends ListQuery {
  /** `container` for container images, any other value for disk images, absent for both. */
  type?: string;
}

export const listImages = async (
  { query, signal }: Event<unknown, ImagesQuery>,
  { runtime }: Context,
): Promise<Reply<Image[]>> => pageOfAll(actionResult(await queryImages(runtime, query.type, signal)), query);
