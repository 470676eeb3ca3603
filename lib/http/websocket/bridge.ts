import type { Duplex } from 'node:stream';
import { promisify } from 'node:util';
import type { WebSocket } from 'ws';
import { errorMessage } from '../../errors.js';

/** RFC 6455, 7.4.1. */
const NORMAL = 1000;
const INTERNAL_ERROR = 1011;
/** The longest reason that fits into a close frame: RFC 6455, 5.5. */
const MAX_REASON_BYTES = 123;

/** Shortens a text to the longest reason of a close frame, without splitting a character. */
export const closeReason = (text: string): string => {
  const cut = Buffer.from(text).subarray(0, MAX_REASON_BYTES).toString();
  return cut.endsWith('\uFFFD') ? cut.slice(0, -1) : cut;
};

/**
 * Passes messages between a WebSocket and a stream, with backpressure, until either ends. Buffers are binary messages,
 * strings are text messages.
 * @param takeText receives text messages; by default they go to the stream
 */
export const bridge = (socket: WebSocket, stream: Duplex, takeText?: (text: string) => void): void => {
  const write = (message: Buffer | string): void => {
    if (!stream.write(message)) socket.pause();
  };
  stream.on('drain', () => socket.resume());
  socket.on('message', (data: Buffer, isBinary) => {
    // Empty messages carry nothing and would escape the stream's limit.
    if (!stream.writable || data.length === 0) return;
    if (!isBinary && takeText) takeText(data.toString());
    else write(isBinary ? data : data.toString());
  });
  socket.on('error', () => {});
  socket.once('close', () => stream.destroy());
  const send = promisify<Buffer | string, void>((message, done) => socket.send(message, done));
  const sendAll = async (): Promise<void> => {
    try {
      for await (const message of stream) await send(message as Buffer | string);
      socket.close(NORMAL);
    } catch (error) {
      socket.close(INTERNAL_ERROR, closeReason(errorMessage(error)));
    }
  };
  void sendAll();
};
