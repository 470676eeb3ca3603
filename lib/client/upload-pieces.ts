import type { ImageUpload } from '../model/image-upload.js';
import { Backoff } from '../portable/backoff.js';
import { MistifyError } from './errors.js';

// The browser console imports this file too: keep it free of Node.

const PIECE_BYTES = 8 * 2 ** 20;
/** How often a piece is sent again when none gets through. */
const MAX_FAILURES = 6;
const [FIRST_PAUSE_MS, LONGEST_PAUSE_MS] = [500, 10_000];

/** A file to send in pieces. */
export interface Pieces<Done> {
  /** Bytes of the whole file. */
  size: number;
  /** Whether to continue an upload that broke off, if the agent has one of that size. */
  resume: boolean;
  /** Asks what the agent has of the file. */
  ask: () => Promise<ImageUpload>;
  /**
   * Sends bytes of the file, none when the agent has all of them.
   * @returns what the agent has then, or what the last piece has led to
   */
  send: (position: number, length: number) => Promise<ImageUpload | { done: Done }>;
  /** Called with the bytes that the agent has. */
  onProgress?: ((received: number) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/** Returns the headers of a piece. */
export const pieceHeaders = (position: number, length: number, size: number): Record<string, string> => {
  const range = length === 0 ? '*' : `${position}-${position + length - 1}`;
  return { 'Content-Type': 'application/octet-stream', 'Content-Range': `bytes ${range}/${size}` };
};

/** Whether the connection or the agent was lost, so that what has arrived is still there. */
const isInterruption = (error: unknown): boolean =>
  error instanceof MistifyError && [0, 502, 503].includes(error.status);

/** Resolves after a time, or at once when the signal aborts. */
const pause = (ms: number, signal: AbortSignal | undefined): Promise<void> =>
  new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal?.addEventListener('abort', end);
  });

/** Asks how many bytes of this file the agent has. */
const receivedOf = async ({ size, ask }: Pieces<unknown>): Promise<number> => {
  try {
    const upload = await ask();
    return upload.size === size ? upload.received : 0;
  } catch (error) {
    if (error instanceof MistifyError && error.status === 404) return 0;
    throw error;
  }
};

/** Sends a file in pieces, and continues after an interruption with what the agent has. */
export const sendPieces = async <Done>(pieces: Pieces<Done>): Promise<Done> => {
  const { size, resume, send, onProgress, signal } = pieces;
  const backoff = new Backoff(FIRST_PAUSE_MS, LONGEST_PAUSE_MS);
  let position = resume ? await receivedOf(pieces) : 0;
  for (let failures = 0; ; ) {
    onProgress?.(position);
    try {
      const sent = await send(position, Math.min(PIECE_BYTES, size - position));
      if ('done' in sent) return sent.done;
      position = sent.received;
      failures = 0;
      backoff.reset();
    } catch (error) {
      failures += 1;
      if (signal?.aborted || !isInterruption(error) || failures > MAX_FAILURES) throw error;
      await pause(backoff.next(), signal);
      position = await receivedOf(pieces).catch(() => position);
    }
  }
};
