import { Readable } from 'node:stream';
import type { Schema } from 'joi';
import { badResponse, errorMessage, notConfigured } from '../../errors.js';
import type { Action } from './action.js';
import { openStream, sendUpload } from './open.js';
import { requireUploadShape } from './pipeline.js';

export interface TransferOptions<Response> {
  /** The shape of the response to the upload. */
  schema: Schema<Response>;
  signal: AbortSignal;
  /** Called with the number of bytes in each chunk. */
  onBytes: (count: number) => void;
  /** Called before the bytes end; when it throws, the receiver does not get their end. */
  beforeEnd?: () => Promise<void>;
}

/**
 * Runs an action of two stages: the first is opened as a stream, and the second gets its bytes as an upload.
 * @param requests of the stream and of the upload
 * @returns the response to the upload
 * @throws the first error of either stage
 */
export const runTransfer = async <Response>(
  action: Action,
  requests: { open: unknown; send: unknown },
  { schema, signal, onBytes, beforeEnd }: TransferOptions<Response>,
): Promise<Response> => {
  const [from, to] = action.stages;
  if (!from || !to) throw notConfigured(action.name);
  const { bytes } = await openStream({ ...action, stages: [from] }, requests.open, signal);
  let failure: unknown;
  const read = async function* (): AsyncGenerator<Buffer, void, undefined> {
    try {
      for await (const chunk of bytes as AsyncIterable<Buffer>) {
        onBytes(chunk.length);
        yield chunk;
      }
    } catch (error) {
      failure = badResponse(
        from.service.name,
        `the bytes of ${from.method} broke off: ${errorMessage(error)}`,
      );
      throw failure;
    }
    await beforeEnd?.().catch((error: unknown) => {
      failure = error;
      throw error;
    });
  };
  const body = Readable.from(read(), { objectMode: false });
  try {
    const sending = { ...action, stages: [to] };
    return requireUploadShape(schema, sending, await sendUpload(sending, requests.send, body, signal));
  } catch (error) {
    signal.throwIfAborted();
    throw failure ?? error;
  } finally {
    body.destroy();
    bytes.destroy();
  }
};
