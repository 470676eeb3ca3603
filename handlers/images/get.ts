import type { Image } from '../../lib/model/image.js';
import * as images from '../../lib/runtime/image-actions.js';
import { answered } from '../replies.js';
import type { Context, Event, Reply } from '../types.js';

export interface ImageParams {
  imageID: string;
}

export const getImage = async (
  { params, signal }: Event<ImageParams>,
  { runtime }: Context,
): Promise<Reply<Image>> => answered(await images.getImage(runtime, params.imageID, undefined, signal));
