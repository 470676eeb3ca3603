import { PORTS_PENDING } from '../../shared/network/switch-ports.js';
import type { Entry } from './entry.js';
import type { Host } from './launch.js';

/** The reason that clients see with the state of a guest that is off. */
export const shownReason = (
  { ports }: Host,
  { id, record }: Entry,
  reason: string | undefined = record.reason,
): string | undefined => {
  if (!ports.isPending(id)) return reason;
  return [reason, PORTS_PENDING].filter(Boolean).join('; ');
};
