import { timingSafeEqual } from 'node:crypto';
import type * as Hapi from '@hapi/hapi';

/** Rejects every request without the secret, before its body is read. */
export const requireSecret = (server: Hapi.Server, secret: string): void => {
  const expected = Buffer.from(`Bearer ${secret}`);
  // Constant time: a response reveals at most the secret's length.
  const isValid = (given: Buffer): boolean =>
    given.length === expected.length && timingSafeEqual(given, expected);
  server.ext('onRequest', (request, h) => {
    if (isValid(Buffer.from(String(request.headers.authorization)))) return h.continue;
    return h
      .response("the call's secret is missing or wrong: give the caller and the sub-agent the same one\n")
      .type('text/plain')
      .code(401)
      .header('WWW-Authenticate', 'Bearer')
      .takeover();
  });
};
