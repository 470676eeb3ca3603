import type { Context } from '../../../lib/agent/context.js';
import type { PendingBackup } from '../../../lib/model/backup.js';
import type { Event, GuestParams, JobQuery, Reply } from '../../../lib/model/endpoint.js';
import { submitBackup } from '../../../lib/runtime/actions/submit-backup.js';
import { submitOnce } from '../../submit.js';

export const createBackup = (
  event: Event<GuestParams, JobQuery>,
  context: Context,
): Promise<Reply<PendingBackup>> =>
  submitOnce(event, context, async (options) =>
    submitBackup(context.runtime, context.guests.get(event.params.guestID), options),
  );
