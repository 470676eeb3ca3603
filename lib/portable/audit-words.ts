import type { AuditRecord } from '../model/audit.js';
import { shortId } from './format.js';

/** Names what an entry of the audit log is about: the guest by the name that it had, and what is done with it. */
export const auditTarget = (record: AuditRecord): string => {
  const { guest, guestName, image, snapshot, volume, backup, params = {} } = record;
  const named = [
    guestName ?? (guest === 'agent' ? undefined : guest && shortId(guest)),
    image && `image ${image}`,
    snapshot && `snapshot ${snapshot}`,
    volume && `volume ${volume}`,
    backup && `backup ${shortId(backup)}`,
  ].filter(Boolean);
  return named.length > 0 ? named.join(', ') : Object.values(params).map(shortId).join(', ');
};

/** Whether a request was rejected, or a job failed. */
export const hasFailed = ({ status }: AuditRecord): boolean =>
  status === 'Error' || (typeof status === 'number' && status >= 400);

/** Says what came of a request or a job. */
export const auditOutcome = (record: AuditRecord): string => {
  const { event, status, reason, message, job, change, name } = record;
  if (event === 'right') return `${change}: ${name}`;
  if (event === 'schedule') return 'begun';
  if (event === 'job') return hasFailed(record) ? `failed: ${message}` : 'complete';
  if (reason !== undefined) return `refused: ${reason}`;
  if (hasFailed(record)) return `rejected with ${status}`;
  return job === undefined ? 'done' : 'accepted';
};
