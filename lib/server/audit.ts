import { type Boom, isBoom } from '@hapi/boom';
import type { Lifecycle, Request } from '@hapi/hapi';
import type { AuditLog } from '../audit/audit-log.js';
import type { Reply } from '../model/endpoint.js';
import { principalFrom } from './auth.js';
import { JOB_ID_HEADER } from './job-id-header.js';
import { type Route, scopeOf } from './route.js';
import './hapi-types.js';

/** Whether requests to a route go into the audit log: all that may change something or reach into a guest. */
export const isAudited = (route: Route): boolean => !['metrics', 'read', 'public'].includes(scopeOf(route));

interface Outcome {
  status: number;
  /** Why the request was refused. */
  reason?: string | undefined;
  job?: string | undefined;
}

const write = (log: AuditLog, request: Request, { status, job, reason }: Outcome): void =>
  log.write({
    event: 'request',
    principal: principalFrom(request)?.name ?? '',
    address: request.info.remoteAddress,
    method: request.method.toUpperCase(),
    route: request.route.path,
    guest: request.app.guest ?? (request.params.guestID as string | undefined),
    job,
    status,
    reason,
  });

const REFUSALS = [401, 403];

const refusalIn = ({ output: { statusCode: status }, message }: Boom): Outcome => ({
  status,
  reason: REFUSALS.includes(status) ? message : undefined,
});

/**
 * Writes a request that was refused for want of rights, whatever its route. Of the invalid tokens of one address, those
 * that are refused by number alone are written once a minute.
 */
export const auditRefusal =
  (log: AuditLog) =>
  (request: Request, error: Boom): void => {
    if (request.route.settings.app?.isAudited) return;
    const outcome = refusalIn(error);
    if (outcome.reason !== undefined || request.app.isFirstTooMany) write(log, request, outcome);
  };

/** Writes a request and its response's status to the audit log. */
export const audit =
  (log: AuditLog): Lifecycle.Method =>
  (request, h) => {
    const { response } = request;
    const outcome = isBoom(response)
      ? refusalIn(response)
      : {
          status: response.statusCode,
          job: response.headers[JOB_ID_HEADER.toLowerCase()] as string | undefined,
        };
    write(log, request, outcome);
    return h.continue;
  };

/** Writes a request whose connection became a WebSocket: hapi never sees its response. */
export const auditHandover = (log: AuditLog, request: Request, { status, headers }: Reply): void =>
  write(log, request, { status, job: headers?.[JOB_ID_HEADER] });
