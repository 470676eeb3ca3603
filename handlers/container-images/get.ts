import type { Context } from '../../lib/agent/context.js';
import type { Event, Reply } from '../../lib/model/endpoint.js';
import type { Image } from '../../lib/model/image.js';
import { queryImage } from '../../lib/runtime/actions/image-actions.js';
import type { ImageParams } from '../images/get.js';
import { actionResult } from '../replies.js';

export const getContainerImage = async (
  { params, signal }: Event<ImageParams>,
  { runtime }: Context,
): Promise<Reply<Image>> => actionResult(await queryImage(runtime, params.imageID, 'container', signal));
