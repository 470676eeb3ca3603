import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { STREAM_BUFFER_BYTES } from '../../../http/stream-buffer.js';
import type { ByteStream } from '../../../rpc/protocol/byte-stream.js';
import type { ImageRequest } from '../../../rpc/protocol/image-messages.js';
import { imageRequestSchema } from '../../../rpc/protocol/image-messages.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import type {
  DownloadImageRequest,
  ReceiveImageRequest,
  UploadResponse,
} from '../../../rpc/protocol/upload-messages.js';
import {
  downloadImageRequestSchema,
  receiveImageRequestSchema,
} from '../../../rpc/protocol/upload-messages.js';
import type { SubAgent } from '../../../rpc/server/sub-agent.js';
import { noSuchImage } from '../../shared/errors.js';
import type { DiskStore } from '../disk-store.js';
import { explainNoSpace, requireReadable } from '../errors.js';
import type { Uploads } from './uploads.js';

interface TransferDeps {
  store: DiskStore;
  uploads: Uploads;
}

/** Receives a piece of an image's file. */
const receive = async (
  { store, uploads }: TransferDeps,
  { id, refresh, ...piece }: ReceiveImageRequest,
  bytes: Readable,
): Promise<UploadResponse> => {
  if (!refresh && (await store.findImage(id)))
    throw new Refusal(
      'conflict',
      `image ${id} exists already: choose another id, or replace it (refresh=true, --refresh)`,
    );
  return {
    upload: await explainNoSpace(`image ${id}`, store, () => uploads.receive(id, piece, bytes)),
  };
};

/** Streams the file of an image: qcow2, or the raw bytes of a ZFS dataset. */
const download = async ({ store }: TransferDeps, { id, from }: DownloadImageRequest): Promise<ByteStream> => {
  const image = await store.findImage(id);
  if (!image) throw noSuchImage(id);
  requireReadable(image);
  const { path, format } = await store.imageFile(id);
  const size = format === 'raw' ? image.virtualSize : (await stat(path)).size;
  if (from >= size)
    throw new Refusal(
      'invalid',
      `the file of image ${id} has ${size} bytes: begin before its end, got ${from}`,
    );
  const options = { start: from, end: size - 1, highWaterMark: STREAM_BUFFER_BYTES };
  return { bytes: createReadStream(path, options), length: size - from };
};

/** Registers what takes and sends the files of images. */
export const addTransfers = (subAgent: SubAgent, deps: TransferDeps): void => {
  const { uploads } = deps;
  subAgent
    .upload('/images/upload', receiveImageRequestSchema, (request, bytes) => receive(deps, request, bytes))
    .stream('/images/download', downloadImageRequestSchema, (request) => download(deps, request))
    .method('ImageStore.GetUpload', imageRequestSchema, async ({ id }: ImageRequest) => ({
      upload: await uploads.get(id),
    }))
    .method('ImageStore.DeleteUpload', imageRequestSchema, async ({ id }: ImageRequest) => ({
      upload: await uploads.remove(id),
    }));
};
