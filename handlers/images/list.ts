import type { Image } from '../../lib/model/image.js';
import * as images from '../../lib/runtime/image-actions.js';
import { answered } from '../replies.js';
import type { Context, Event, Reply } from '../types.js';

export const listImages = async (
  { query, signal }: Event<unknown, { type?: string }>,
  { runtime }: Context,
): Promise<Reply<Image[]>> => answered(await images.listImages(runtime, query.type, signal));
