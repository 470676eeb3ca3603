import type { AuditLog } from '../audit/audit-log.js';
import type { Logger } from '../log.js';
import type { Metrics } from '../metrics/metrics.js';
import type { GuestStore } from '../store/guest-store.js';

/** The parts of the handlers' context that the server itself uses. */
export interface ServerContext {
  audit: AuditLog;
  guests: Pick<GuestStore, 'subject'>;
  metrics: Pick<Metrics, 'observeRequest'>;
  log: Logger;
}
