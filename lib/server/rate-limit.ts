import { Boom } from '@hapi/boom';
import type { Lifecycle } from '@hapi/hapi';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { principalFrom } from './auth.js';

/**
 * Limits the requests of each client, known by its principal or else its address. Bursts of ten seconds' worth pass.
 * @param rate requests a second
 */
export const limitRate = (rate: number): Lifecycle.Method => {
  const limiter = new RateLimiterMemory({ points: Math.max(1, Math.floor(rate * 10)), duration: 10 });
  return async (request, h) => {
    const client = principalFrom(request)?.name ?? request.info.remoteAddress;
    try {
      await limiter.consume(client);
    } catch (rejection) {
      if (!(rejection instanceof RateLimiterRes)) throw rejection;
      const wait = Math.ceil(rejection.msBeforeNext / 1000);
      const boom = new Boom(`rate limit of ${rate} requests a second exceeded: retry in ${wait} s`, {
        statusCode: 429,
      });
      boom.output.headers['Retry-After'] = String(wait);
      throw boom;
    }
    return h.continue;
  };
};
