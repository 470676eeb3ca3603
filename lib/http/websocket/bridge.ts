import type { Duplex } from 'node:stream';
import { promisify } from 'node:util';
import type { WebSocket } from 'ws';
import { errorMessage } from '../../errors.js';

/** RFC 6455, 7.4.1. */
const NORMAL = 1000;
const INTERNAL_ERROR = 1011;
/** The longest reason that a close frame has room for: RFC 6455, 5.5. */
const MAX_REASON_BYTES = 123;

/** Cut between characters, not within one. */
export const closeReason = (text: string): string => {
  const cut = Buffer.from(text).subarray(0, MAX_REASON_BYTES).toString();
  return cut.endsWith('\uFFFD') ? cut.slice(0, -1) : cut;
};

/**
 * Passes everything between a WebSocket and a stream, as fast as the slower side takes it, until either ends.
 * Buffers are binary messages, strings are text.
 * @param takeText is given the text that comes in; by default the stream is
 */
export const bridge = (socket: WebSocket, stream: Duplex, takeText?: (text: string) => void): void => {
  const write = (message: Buffer | string): void => {
    if (!stream.write(message)) socket.pause();
  };
  stream.on('drain', () => socket.resume());
  socket.on('message', (data: Buffer, isBinary) => {
    // Empty ones say nothing, and would not count towards what a stream has room for.
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
