import { isBoom } from '@hapi/boom';
import type { Lifecycle, Request } from '@hapi/hapi';
import type { AuditLog } from '../audit/audit-log.js';
import type { Context, Reply } from '../model/endpoint.js';
import { principalOf } from './auth.js';
import { JOB_ID_HEADER } from './job-id-header.js';
import { type Route, scopeOf } from './route.js';

export const isAudited = (route: Route): boolean => !['read', 'public'].includes(scopeOf(route));

interface Answered {
  status: number;
  /** The guest's id, where the path does not have it. */
  guest?: string | undefined;
  job?: string | undefined;
}

const write = (
  log: AuditLog,
  request: Request,
  { status, guest = request.params.guestID as string | undefined, job }: Answered,
): void =>
  log.write({
    event: 'request',
    principal: principalOf(request)?.name ?? '',
    address: request.info.remoteAddress,
    method: request.method.toUpperCase(),
    route: request.route.path,
    guest,
    job,
    status,
  });

/** Notes a request for a change, and what was answered. */
export const audit =
  ({ audit: log }: Context): Lifecycle.Method =>
  (request, h) => {
    const { response, route } = request;
    if (isBoom(response)) {
      write(log, request, { status: response.output.statusCode });
      return h.continue;
    }
    const job = response.headers[JOB_ID_HEADER.toLowerCase()] as string | undefined;
    // A new guest has its id from the agent.
    const created = route.path === '/guests' ? { guest: (response.source as { id?: string }).id } : {};
    write(log, request, { status: response.statusCode, job, ...created });
    return h.continue;
  };

/** Notes a request whose connection is handed over, of which hapi sees no answer. */
export const auditHandover = ({ audit: log }: Context, request: Request, reply: Reply): void =>
  write(log, request, { status: reply.status, job: reply.headers?.[JOB_ID_HEADER] });
