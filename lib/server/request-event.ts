import type { Readable } from 'node:stream';
import type { Request } from '@hapi/hapi';
import { contentLength } from '../http/content-length.js';
import { disconnectSignal } from '../http/disconnect-signal.js';
import { receiveUpload } from '../http/upload.js';
import type { Event } from '../model/endpoint.js';
import { onRevoked, principalFrom } from './auth.js';
import { conditionsOf } from './request-conditions.js';
import { isUpload, type Route } from './route.js';

/** The query of a route without a query schema. */
const NO_QUERY = {};

/** Returns the bytes of an upload, which end with the connection when the client's token is revoked. */
const uploadOf = (request: Request, stallMs: number): Readable => {
  const { req, res } = request.raw;
  const end = onRevoked(request, () => req.socket.destroy());
  res.once('close', end);
  return receiveUpload(req, stallMs);
};

/** A request in the form that handlers take, free of hapi. */
export class RequestEvent implements Event {
  readonly params: unknown;
  readonly query: unknown;
  readonly payload: unknown;
  readonly principal: Event['principal'];
  readonly idempotency: Event['idempotency'];
  readonly ifMatch: Event['ifMatch'];
  readonly lastEventId: Event['lastEventId'];
  readonly #request: Request;
  #signal: AbortSignal | undefined;

  /** @param stallMs see `receiveUpload` */
  constructor(request: Request, route: Route, stallMs: number) {
    const { idempotency, ifMatch, lastEventId } = conditionsOf(request, route);
    this.#request = request;
    this.params = request.params;
    this.query = route.query ? request.query : NO_QUERY;
    this.payload = isUpload(route) ? uploadOf(request, stallMs) : request.payload;
    this.principal = principalFrom(request);
    this.idempotency = idempotency;
    this.ifMatch = ifMatch;
    this.lastEventId = lastEventId;
  }

  get contentLength(): number | undefined {
    return contentLength(this.#request.headers);
  }

  get contentRange(): string | undefined {
    return this.#request.headers['content-range'] as string | undefined;
  }

  get range(): string | undefined {
    return this.#request.headers.range as string | undefined;
  }

  get ifRange(): string | undefined {
    return this.#request.headers['if-range'] as string | undefined;
  }

  /** Created on first use, since most handlers never read it. */
  get signal(): AbortSignal {
    this.#signal ??= disconnectSignal(this.#request);
    return this.#signal;
  }
}
