import { Readable } from 'node:stream';
import type { Context } from '../../lib/agent/context.js';
import { invalid } from '../../lib/errors.js';
import type { Event, Reply } from '../../lib/model/endpoint.js';
import type { Image } from '../../lib/model/image.js';
import { type ImageUpload, pieceOf, type UploadOptions } from '../../lib/model/image-upload.js';
import { queryUpload, submitUploaded, uploadPiece } from '../../lib/runtime/actions/upload-actions.js';
import { submitOnce } from '../submit.js';
import type { ImageParams } from './get.js';

export interface UploadQuery extends UploadOptions {
  /** Seconds that the client waits for the image, once its file is complete. */
  wait?: number;
}

interface UploadReply {
  images: Image[];
  /** What is there of a file that is not complete. */
  upload?: ImageUpload;
}

/**
 * Takes an image's file, or a piece of it. The last piece queues the job that checks the file and makes it an image; so
 * does a request without a piece for a file that is complete.
 */
export const uploadImage = async (
  event: Event<ImageParams, UploadQuery>,
  context: Context,
): Promise<Reply<UploadReply>> => {
  const { params, query, payload, signal, contentRange, contentLength } = event;
  const { runtime } = context;
  const id = params.imageID;
  const piece = pieceOf(contentRange, contentLength);
  if (typeof piece === 'string') throw invalid(piece);
  const bytes = payload instanceof Readable ? payload : Readable.from([]);
  const { refresh } = query;
  const isLeft = piece.offset < piece.size || contentLength !== 0;
  const { result: upload } = isLeft
    ? await uploadPiece(runtime, id, { ...piece, ...(refresh ? { refresh } : {}) }, bytes, signal)
    : await queryUpload(runtime, id, signal);
  if (upload.received < upload.size) return { status: 200, body: { images: [], upload } };
  const reply = await submitOnce(event, context, (options) => submitUploaded(runtime, id, query, options));
  return { ...reply, body: { images: reply.body } };
};
