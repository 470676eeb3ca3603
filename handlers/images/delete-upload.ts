import type { Context } from '../../lib/agent/context.js';
import type { Event, Reply } from '../../lib/model/endpoint.js';
import type { ImageUpload } from '../../lib/model/image-upload.js';
import { deleteUpload as deleteFile } from '../../lib/runtime/actions/upload-actions.js';
import { actionResult } from '../replies.js';
import type { ImageParams } from './get.js';

/** Removes what a client has sent of an image's file. */
export const deleteUpload = async (
  { params, signal }: Event<ImageParams>,
  { runtime }: Context,
): Promise<Reply<ImageUpload>> => actionResult(await deleteFile(runtime, params.imageID, signal));
