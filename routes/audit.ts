import { isBoom } from '@hapi/boom';
import type { Lifecycle } from '@hapi/hapi';
import { JOB_ID_HEADER } from '../handlers/replies.js';
import type { Context } from '../handlers/types.js';
import { principalOf } from './auth.js';
import { type Route, scopeOf } from './route.js';

export const isAudited = (route: Route): boolean => !['read', 'public'].includes(scopeOf(route));

/** Notes a request for a change, and what was answered. */
export const audit =
  ({ audit: log }: Context): Lifecycle.Method =>
  (request, h) => {
    const { response, route, info, params } = request;
    // A new guest has its id from the agent.
    const created =
      route.path === '/guests' && !isBoom(response) ? (response.source as { id?: string }).id : undefined;
    const job = isBoom(response)
      ? undefined
      : (response.headers[JOB_ID_HEADER.toLowerCase()] as string | undefined);
    log.write({
      event: 'request',
      principal: principalOf(request)?.name ?? '',
      address: info.remoteAddress,
      method: request.method.toUpperCase(),
      route: route.path,
      guest: (params.guestID as string | undefined) ?? created,
      job,
      status: isBoom(response) ? response.output.statusCode : response.statusCode,
    });
    return h.continue;
  };
