import { finished, Readable } from 'node:stream';
import type { Request, ResponseObject, ResponseToolkit } from '@hapi/hapi';
import type { Reply } from '../model/endpoint.js';
import { onRevoked } from './auth.js';
import { bodyOf } from './json-body.js';
import './hapi-types.js';

/** Links to the next page of a list (RFC 8288). */
const linkToNext = ({ url }: Request, cursor: string): string => {
  const query = new URLSearchParams(url.searchParams);
  query.set('cursor', cursor);
  return `<${url.pathname}?${query}>; rel="next"`;
};

/** Ends a stream's response when the stream breaks off, the client stalls, or its token is revoked. */
const guardStream = (body: Readable, request: Request, stall: number): void => {
  const { req, res } = request.raw;
  // hapi does not notice a stream that breaks off before it is read.
  finished(body, { writable: false }, (error) => {
    if (error && !res.writableEnded) res.destroy();
  });
  // Not every stream has something to send all the time: a client that has read all of it does not stall.
  res.setTimeout(stall, () => {
    if (res.writableLength > 0) res.destroy();
    else req.socket.setTimeout(stall);
  });
  // Finds out that a client is gone for whom there is nothing to send.
  req.socket.setKeepAlive(true, stall);
  // The timeout belongs to the socket; clear it before the next response on it, which has no such limit.
  res.prependOnceListener('finish', () => req.socket.setTimeout(0));
  res.once(
    'close',
    onRevoked(request, () => res.destroy()),
  );
};

/** What hapi passes to the method `setCompressor` of a stream that it compresses, such as a text. */
interface Compressor {
  flush(): void;
}

/** Lets each piece of a compressed stream leave as it arrives. */
const flushing = (body: Readable): Readable =>
  Object.assign(body, {
    setCompressor: (compressor: Compressor) => {
      // Keeps it from flowing before hapi has connected it.
      body.pause();
      body.on('data', () => queueMicrotask(() => compressor.flush()));
    },
  });

/**
 * Makes hapi's response of a handler's reply.
 * @param stall milliseconds after which a client that reads no byte of a stream is disconnected
 */
export const respond = (
  reply: Reply,
  request: Request,
  h: ResponseToolkit,
  stall: number,
): ResponseObject => {
  const { status, headers, next } = reply;
  const body = bodyOf(reply);
  // A long list is a stream, too, but has all of its pieces at hand.
  const response = h.response(reply.body instanceof Readable ? flushing(reply.body) : body).code(status);
  if (reply.isStored) response.type('application/json');
  if (next !== undefined) response.header('Link', linkToNext(request, next));
  for (const name in headers) response.header(name, String(headers[name]));
  if (body instanceof Readable) {
    // Otherwise hapi would copy the headers of the sub-agent's response.
    response.passThrough(false);
    guardStream(body, request, stall);
  }
  return response;
};
