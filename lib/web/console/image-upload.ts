import { path } from '../../client/path.js';
import { pieceHeaders, sendPieces } from '../../client/upload-pieces.js';
import type { ImageUpload } from '../../model/image-upload.js';
import { get, sendRequest } from './api.js';

export interface UploadRequest {
  /** The id of the image. */
  id: string;
  file: File;
  /** What the query says of the image: its sum, and whether it replaces another. */
  query: Record<string, string>;
  signal: AbortSignal;
  /** Called with the bytes that the agent has. */
  onProgress: (received: number) => void;
}

/**
 * Uploads an image in pieces.
 * @returns the ID of the job that makes the file an image
 */
export const uploadImage = ({ id, file, query, signal, onProgress }: UploadRequest): Promise<string> =>
  sendPieces({
    ...{ size: file.size, resume: false, onProgress, signal },
    ask: () => get<ImageUpload>(path`/images/${id}/upload`),
    send: async (position, length) => {
      const response = await sendRequest('PUT', `${path`/images/${id}`}?${new URLSearchParams(query)}`, {
        ...{ upload: file.slice(position, position + length), signal },
        headers: pieceHeaders(position, length, file.size),
      });
      const { upload } = (await response.json()) as { upload?: ImageUpload };
      return upload ?? { done: response.headers.get('X-Guest-Job-ID') ?? '' };
    },
  });
