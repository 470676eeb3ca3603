import type { Context } from '../../lib/agent/context.js';
import type { Event, Reply } from '../../lib/model/endpoint.js';
import type { ImageUpload } from '../../lib/model/image-upload.js';
import { queryUpload } from '../../lib/runtime/actions/upload-actions.js';
import { actionResult } from '../replies.js';
import type { ImageParams } from './get.js';

/** Returns how much of an image's file is there. */
export const getUpload = async (
  { params, signal }: Event<ImageParams>,
  { runtime }: Context,
): Promise<Reply<ImageUpload>> => actionResult(await queryUpload(runtime, params.imageID, signal));
