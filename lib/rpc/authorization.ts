import { createHash, timingSafeEqual } from 'node:crypto';
import type * as Hapi from '@hapi/hapi';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Refuses every request that does not have the secret, before anything of its body is read. */
export const requireSecret = (server: Hapi.Server, secret: string): void => {
  const wanted = digest(`Bearer ${secret}`);
  server.ext('onRequest', (request, h) => {
    // Of equal length, and compared in constant time: how long it takes tells nothing of the secret.
    if (timingSafeEqual(digest(String(request.headers.authorization)), wanted)) return h.continue;
    return h
      .response("the call's secret is missing or wrong: caller and sub-agent must be given the same one\n")
      .type('text/plain')
      .code(401)
      .header('WWW-Authenticate', 'Bearer')
      .takeover();
  });
};
