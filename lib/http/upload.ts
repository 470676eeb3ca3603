import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Duplex, Readable } from 'node:stream';
import { BatchedResponse } from './batched-response.js';
import { STREAM_BUFFER_BYTES } from './stream-buffer.js';

/** The connections whose present request is an upload. */
const uploading = new WeakSet<Duplex>();

/** Whether a connection's present request is an upload, which may take longer than other requests. */
export const isUploading = (connection: Duplex): boolean => uploading.has(connection);

/** How long the rest of a rejected upload is read, in milliseconds: closing at once would lose the response. */
const LINGER_MS = 5000;

/** Discards the rest of a body for some seconds, and closes the connection of a client that sends on. */
const discardRest = (request: IncomingMessage): void => {
  const { socket } = request;
  uploading.delete(socket);
  if (request.complete) return;
  const timer = setTimeout(() => socket.destroy(), LINGER_MS).unref();
  request.once('end', () => clearTimeout(timer));
  request.resume();
};

/** Marks a request as an upload. Its client gets the response also when that comes before the end of the body. */
export const beginUpload = (request: IncomingMessage, response: ServerResponse): void => {
  uploading.add(request.socket);
  // hapi closes the connection of a body that it has not read, with the response on its way.
  if (response instanceof BatchedResponse) response.keepsConnection = true;
  response.once('finish', () => discardRest(request));
};

async function* read(request: IncomingMessage, stallMs: number): AsyncGenerator<Buffer, void, undefined> {
  const chunks: AsyncIterator<Buffer> = request.iterator({ destroyOnReturn: false });
  for (;;) {
    const timer = setTimeout(() => request.socket.destroy(), stallMs);
    const next = await chunks.next().finally(() => clearTimeout(timer));
    if (next.done) return;
    yield next.value;
  }
}

/**
 * Returns the body of an upload as it arrives. Destroying the result leaves the connection open for the response.
 * @param stallMs milliseconds after which a client that sends no byte is disconnected, while bytes are wanted
 */
export const receiveUpload = (request: IncomingMessage, stallMs: number): Readable =>
  Readable.from(read(request, stallMs), { objectMode: false, highWaterMark: STREAM_BUFFER_BYTES });
