import { MistifyError } from '../../client/errors.js';
import { path } from '../../client/path.js';
import type { ImageUpload } from '../../model/image-upload.js';
import { Backoff } from '../../portable/backoff.js';
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

const PIECE_BYTES = 8 * 2 ** 20;
/** How often a piece is sent again when none gets through. */
const MAX_FAILURES = 6;
const [FIRST_PAUSE_MS, LONGEST_PAUSE_MS] = [500, 10_000];

/** Whether the connection or the agent was lost, so that what has arrived is still there. */
const isInterruption = (error: unknown): boolean =>
  error instanceof MistifyError && [0, 502, 503].includes(error.status);

/** Asks how much of this file the agent has, from an earlier attempt too. */
const receivedOf = async ({ id, file }: UploadRequest): Promise<number> => {
  try {
    const { size, received } = await get<ImageUpload>(path`/images/${id}/upload`);
    return size === file.size ? received : 0;
  } catch (error) {
    if (error instanceof MistifyError && error.status === 404) return 0;
    throw error;
  }
};

/** Sends a piece. */
const send = ({ id, file, query, signal }: UploadRequest, position: number): Promise<Response> => {
  const upload = file.slice(position, position + PIECE_BYTES);
  const range = upload.size === 0 ? '*' : `${position}-${position + upload.size - 1}`;
  return sendRequest('PUT', `${path`/images/${id}`}?${new URLSearchParams(query)}`, {
    ...{ upload, signal },
    headers: { 'Content-Type': 'application/octet-stream', 'Content-Range': `bytes ${range}/${file.size}` },
  });
};

/**
 * Uploads an image in pieces, and sends those again that are lost.
 * @returns the ID of the job that makes the file an image
 */
export const uploadImage = async (request: UploadRequest): Promise<string> => {
  const backoff = new Backoff(FIRST_PAUSE_MS, LONGEST_PAUSE_MS);
  let position = 0;
  for (let failures = 0; ; ) {
    request.onProgress(position);
    try {
      const response = await send(request, position);
      const { upload } = (await response.json()) as { upload?: ImageUpload };
      if (!upload) return response.headers.get('X-Guest-Job-ID') ?? '';
      position = upload.received;
      failures = 0;
      backoff.reset();
    } catch (error) {
      failures += 1;
      if (request.signal.aborted || !isInterruption(error) || failures > MAX_FAILURES) throw error;
      await new Promise((resolve) => setTimeout(resolve, backoff.next()));
      position = await receivedOf(request).catch(() => position);
    }
  }
};
