import type { Image } from '../model/image.js';
import type { ImageUpload, UploadOptions } from '../model/image-upload.js';
import type { Accepted } from './submit.js';
import type { CallOptions, Transport } from './transport.js';
import { pieceHeaders, sendPieces } from './upload-pieces.js';

/** A file to upload, which may be read more than once. */
export interface UploadSource {
  /** Bytes of the whole file. */
  size: number;
  /** Reads bytes at a position. */
  read(position: number, length: number): Promise<Buffer>;
}

export interface ImageUploadOptions extends UploadOptions, CallOptions {
  /** Continues an upload that broke off, if the agent has one of that size; otherwise begins anew. */
  resume?: boolean | undefined;
  /** Called with the bytes that the agent has. */
  onProgress?: ((received: number) => void) | undefined;
}

interface UploadBody {
  images: Image[];
  upload?: ImageUpload;
}

/** The seconds that a piece may take beyond the timeout of other requests. */
const PIECE_SECONDS = 120;

/**
 * Uploads an image in pieces.
 * @param path that of the image
 * @returns the accepted job that makes the file an image
 */
export const uploadImage = (
  transport: Transport,
  path: string,
  source: UploadSource,
  { resume = false, onProgress, signal, sha256, sha512, format, refresh }: ImageUploadOptions,
): Promise<Accepted<{ images: Image[] }>> =>
  sendPieces({
    ...{ size: source.size, resume, onProgress, signal },
    ask: () => transport.get<ImageUpload>(`${path}/upload`, {}, { signal }),
    send: async (position, length) => {
      const piece = await source.read(position, length);
      const { status, headers, body } = await transport.send<UploadBody>({
        ...{ method: 'PUT', path, body: piece, signal, waitSeconds: PIECE_SECONDS },
        query: { sha256, sha512, format, refresh },
        headers: pieceHeaders(position, piece.length, source.size),
      });
      if (body.upload) return body.upload;
      const jobId = headers['x-guest-job-id'] ?? '';
      return { done: { jobId, finished: status === 200, unchecked: [], body: { images: body.images } } };
    },
  });
