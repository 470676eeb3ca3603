import type { Context } from '../../lib/agent/context.js';
import type { Event, JobQuery, Reply } from '../../lib/model/endpoint.js';
import { submitPrune } from '../../lib/runtime/actions/submit-backup.js';
import { submitOnce } from '../submit.js';

/** Frees the room of deleted backups. */
export const pruneBackups = (
  event: Event<unknown, JobQuery>,
  context: Context,
): Promise<Reply<Record<string, never>>> =>
  submitOnce(event, context, (options) => submitPrune(context.runtime, options));
