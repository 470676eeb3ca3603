import type { IncomingMessage } from 'node:http';
import { type Duplex, Readable } from 'node:stream';
import { STREAM_BUFFER_BYTES } from './stream-buffer.js';

/** The connections whose present request is an upload. */
const uploading = new WeakSet<Duplex>();

/** Whether a connection's present request is an upload, which may take longer than other requests. */
export const isUploading = (connection: Duplex): boolean => uploading.has(connection);

/** How long the rest of a rejected upload is read, in milliseconds: closing at once would lose the response. */
const LINGER_MS = 5000;

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
 * Returns the body of a request as it arrives. Destroying the result leaves the connection open for the response; what is
 * left of the body once that is sent, is discarded for some seconds before the connection closes.
 * @param stallMs milliseconds after which a client that sends no byte is disconnected, while bytes are wanted
 */
export const receiveUpload = (request: IncomingMessage, stallMs: number): Readable => {
  const { socket } = request;
  uploading.add(socket);
  return Readable.from(read(request, stallMs), { objectMode: false, highWaterMark: STREAM_BUFFER_BYTES });
};

/** Ends an upload with its response: see `receiveUpload`. */
export const endUpload = (request: IncomingMessage): void => {
  uploading.delete(request.socket);
  if (request.complete) return;
  request.resume();
  setTimeout(() => request.socket.destroy(), LINGER_MS).unref();
};
