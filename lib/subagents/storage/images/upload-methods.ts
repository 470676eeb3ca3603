import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { STREAM_BUFFER_BYTES } from '../../../http/stream-buffer.js';
import type { ByteStream } from '../../../rpc/protocol/byte-stream.js';
import type { DiskWish } from '../../../rpc/protocol/disk-download.js';
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
import { encodeDisk, firstByteOf, requireWithin, tagOf } from '../../shared/disk/encode.js';
import { noSuchImage } from '../../shared/errors.js';
import type { DiskStore } from '../disk-store.js';
import { explainNoSpace, requireReadable } from '../errors.js';
import type { ImageFile } from '../stored.js';
import { mapImage, streamImage } from './stream-image.js';
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

/** Streams the file of an image as it is stored. */
const downloadFile = async (
  { path, format }: ImageFile,
  bytes: number,
  identity: readonly unknown[],
  wish: DiskWish,
): Promise<ByteStream> => {
  const etag = tagOf(identity, format);
  const from = firstByteOf(wish, etag);
  const size = format === 'raw' ? bytes : (await stat(path)).size;
  requireWithin(from, size);
  const options = { start: from, end: size - 1, highWaterMark: STREAM_BUFFER_BYTES };
  return { bytes: createReadStream(path, options), length: size - from, part: { format, from, etag } };
};

/** Streams an image: by default its file, which is qcow2, or raw in a ZFS pool. */
const download = async (
  { store }: TransferDeps,
  { id, ...wish }: DownloadImageRequest,
  signal: AbortSignal,
): Promise<ByteStream> => {
  const image = await store.findImage(id);
  if (!image) throw noSuchImage(id);
  const { virtualSize } = requireReadable(image);
  const file = await store.imageFile(id);
  const { mtimeMs, ino } = await stat(file.path);
  const identity = [id, file.path, mtimeMs, ino];
  if (wish.format === undefined || wish.format === file.format)
    return downloadFile(file, virtualSize, identity, wish);
  const content = {
    identity,
    map: () => mapImage(file, virtualSize, signal),
    read: async () => ({ bytes: await streamImage(file, signal), length: virtualSize }),
  };
  return encodeDisk(content, wish);
};

/** Registers what takes and sends the files of images. */
export const addTransfers = (subAgent: SubAgent, deps: TransferDeps): void => {
  const { uploads } = deps;
  subAgent
    .upload('/images/upload', receiveImageRequestSchema, (request, bytes) => receive(deps, request, bytes))
    .stream('/images/download', downloadImageRequestSchema, (request, { signal }) =>
      download(deps, request, signal),
    )
    .method('ImageStore.GetUpload', imageRequestSchema, async ({ id }: ImageRequest) => ({
      upload: await uploads.get(id),
    }))
    .method('ImageStore.DeleteUpload', imageRequestSchema, async ({ id }: ImageRequest) => ({
      upload: await uploads.remove(id),
    }));
};
