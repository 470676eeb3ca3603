import { Boom } from '@hapi/boom';
import type { Lifecycle } from '@hapi/hapi';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { principalOf } from './auth.js';

/**
 * Bounds what one client may ask for.
 * @param rate requests a second
 */
export const limitRate = (rate: number): Lifecycle.Method => {
  const limiter = new RateLimiterMemory({ points: Math.max(1, Math.floor(rate * 10)), duration: 10 });
  return async (request, h) => {
    const client = principalOf(request)?.name ?? request.info.remoteAddress;
    try {
      await limiter.consume(client);
    } catch (refusal) {
      if (!(refusal instanceof RateLimiterRes)) throw refusal;
      const boom = new Boom(`you may ask ${rate} times a second: try again later`, { statusCode: 429 });
      boom.output.headers['Retry-After'] = String(Math.ceil(refusal.msBeforeNext / 1000));
      throw boom;
    }
    return h.continue;
  };
};
