import type { Readable } from 'node:stream';
import type { Image } from '../../model/image.js';
import type { ImageUpload, UploadOptions, UploadPiece } from '../../model/image-upload.js';
import { AGENT_RUNNER } from '../../model/job.js';
import type { ByteStream } from '../../rpc/protocol/byte-stream.js';
import type { ImageRequest } from '../../rpc/protocol/image-messages.js';
import {
  type DownloadImageRequest,
  type ReceiveImageRequest,
  type UploadResponse,
  uploadResponseSchema,
} from '../../rpc/protocol/upload-messages.js';
import type { Submission, SubmitOptions } from '../jobs/submission.js';
import { requireShape, requireUploadShape } from '../pipeline/pipeline.js';
import type { ActionResult, Runtime } from '../runtime.js';
import { imageRequest, submitImageAction } from './image-actions.js';

/** Sends a piece of an image's file to the storage. */
export const uploadPiece = async (
  runtime: Runtime,
  id: string,
  { refresh = false, ...piece }: UploadPiece & Pick<UploadOptions, 'refresh'>,
  bytes: Readable,
  signal: AbortSignal,
): Promise<ActionResult<ImageUpload>> => {
  const action = runtime.action('uploadImage');
  const request: ReceiveImageRequest = { id, ...piece, refresh };
  const { pipelineId, result } = await runtime.upload(AGENT_RUNNER, action, { request, bytes }, signal);
  return { pipelineId, result: requireUploadShape(uploadResponseSchema, action, result).upload };
};

const askForUpload = async (
  runtime: Runtime,
  name: 'getUpload' | 'deleteUpload',
  id: string,
  signal?: AbortSignal,
): Promise<ActionResult<ImageUpload>> => {
  const { pipelineId, result } = await runtime.query<ImageRequest, UploadResponse>(
    AGENT_RUNNER,
    runtime.action(name),
    { request: () => imageRequest({ id }), onResponse: requireShape(uploadResponseSchema) },
    signal,
  );
  return { pipelineId, result: (result as UploadResponse).upload };
};

/** @throws {AgentError} `not_found` */
export const queryUpload = (runtime: Runtime, id: string, signal?: AbortSignal) =>
  askForUpload(runtime, 'getUpload', id, signal);

/** @throws {AgentError} `not_found` */
export const deleteUpload = (runtime: Runtime, id: string, signal?: AbortSignal) =>
  askForUpload(runtime, 'deleteUpload', id, signal);

/** Queues the check of a complete upload, which makes it an image. */
export const submitUploaded = (
  runtime: Runtime,
  id: string,
  wanted: UploadOptions,
  options?: SubmitOptions,
): Promise<Submission<Image[]>> => {
  const { sha256, sha512, format, refresh } = wanted;
  const request = imageRequest({
    ...{ id, upload: true },
    ...(sha256 ? { sha256 } : {}),
    ...(sha512 ? { sha512 } : {}),
    ...(format ? { format } : {}),
    ...(refresh ? { refresh } : {}),
  });
  return submitImageAction(runtime, undefined, 'fetchImage', request, options);
};

/** Opens the file of a disk image. */
export const openImage = (
  runtime: Runtime,
  request: DownloadImageRequest,
  signal: AbortSignal,
): Promise<ActionResult<ByteStream>> =>
  runtime.stream(AGENT_RUNNER, runtime.action('downloadImage'), request, signal);

/** Opens a container image as an archive. */
export const openContainerImage = (
  runtime: Runtime,
  id: string,
  signal: AbortSignal,
): Promise<ActionResult<ByteStream>> =>
  runtime.stream(AGENT_RUNNER, runtime.action('containerDownloadImage'), { id }, signal);
