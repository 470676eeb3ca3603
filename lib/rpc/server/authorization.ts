import { timingSafeEqual } from 'node:crypto';
import type * as Hapi from '@hapi/hapi';

/** Refuses every request that does not have the secret, before anything of its body is read. */
export const requireSecret = (server: Hapi.Server, secret: string): void => {
  const wanted = Buffer.from(`Bearer ${secret}`);
  // In constant time: how long it takes tells nothing of the secret but its length.
  const isRight = (shown: Buffer): boolean =>
    shown.length === wanted.length && timingSafeEqual(shown, wanted);
  server.ext('onRequest', (request, h) => {
    if (isRight(Buffer.from(String(request.headers.authorization)))) return h.continue;
    return h
      .response("the call's secret is missing or wrong: caller and sub-agent must be given the same one\n")
      .type('text/plain')
      .code(401)
      .header('WWW-Authenticate', 'Bearer')
      .takeover();
  });
};
