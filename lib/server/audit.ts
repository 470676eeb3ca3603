import { type Boom, isBoom } from '@hapi/boom';
import type { Lifecycle, Request } from '@hapi/hapi';
import type { AuditLog } from '../audit/audit-log.js';
import type { RequestEntry } from '../model/audit.js';
import type { Reply } from '../model/endpoint.js';
import { principalFrom } from './auth.js';
import { JOB_ID_HEADER } from './job-id-header.js';
import { changesSomething, type Route } from './route.js';
import './hapi-types.js';

/** Whether requests to a route go into the audit log: all that may change something or reach into a guest. */
export const isAudited = (route: Route): boolean =>
  !route.isUnaudited && (changesSomething(route) || !['metrics', 'look', 'public'].includes(route.can));

interface Outcome {
  status: number;
  /** Why the request was refused. */
  reason?: string | undefined;
  job?: string | undefined;
}

/** The parameters of a request's path, apart from the guest's id, which has a key of its own. */
const paramsOf = ({ params }: Request): Record<string, string> | undefined => {
  const { guestID: _, ...others } = params as Record<string, string>;
  return Object.keys(others).length > 0 ? others : undefined;
};

const entryOf = (request: Request, { status, job, reason }: Outcome): RequestEntry => ({
  event: 'request',
  principal: principalFrom(request)?.name ?? '',
  address: request.info.remoteAddress,
  method: request.method.toUpperCase(),
  route: request.route.path,
  params: paramsOf(request),
  action: request.route.settings.app?.operationId,
  guest: request.app.guest ?? (request.params.guestID as string | undefined),
  job,
  status,
  reason,
});

/** Returns how a request was refused for want of rights; `undefined` for another error. */
const refusalIn = ({ app }: Request, { output, message }: Boom): Outcome | undefined => {
  const { statusCode: status } = output;
  return status === 401 || status === 403 || app.hasTooManyFailures ? { status, reason: message } : undefined;
};

/** Writes a request that was refused for want of rights, whatever its route. */
export const auditRefusal =
  (log: AuditLog) =>
  (request: Request, error: Boom): void => {
    if (request.route.settings.app?.isAudited) return;
    const refusal = refusalIn(request, error);
    if (refusal) log.refused(entryOf(request, refusal));
  };

/** Writes a request and its response's status to the audit log. */
export const audit =
  (log: AuditLog): Lifecycle.Method =>
  (request, h) => {
    const { response } = request;
    if (!isBoom(response)) {
      const { statusCode: status, headers } = response;
      log.write(
        entryOf(request, { status, job: headers[JOB_ID_HEADER.toLowerCase()] as string | undefined }),
      );
      return h.continue;
    }
    const refusal = refusalIn(request, response);
    if (refusal) log.refused(entryOf(request, refusal));
    else log.write(entryOf(request, { status: response.output.statusCode }));
    return h.continue;
  };

/** Writes a request whose connection became a WebSocket: hapi never sees its response. */
export const auditHandover = (log: AuditLog, request: Request, { status, headers }: Reply): void =>
  log.write(entryOf(request, { status, job: headers?.[JOB_ID_HEADER] }));
