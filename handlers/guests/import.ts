import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import type { Context } from '../../lib/agent/context.js';
import type { Event, JobQuery, Reply } from '../../lib/model/endpoint.js';
import type { Guest } from '../../lib/model/guest.js';
import type { ImportWishes } from '../../lib/model/imported-guest.js';
import { viewFor } from '../../lib/model/secrets.js';
import { submitGuestAction } from '../../lib/runtime/actions/guest-actions.js';
import { submitImport } from '../../lib/runtime/actions/import-actions.js';
import { creatorOf } from '../rights.js';
import { submitOnce } from '../submit.js';
import { completeGuest } from './new-guest.js';

export interface ImportQuery extends ImportWishes, Pick<JobQuery, 'wait'> {
  /** Whether to start the guest once it is there. */
  start?: boolean;
}

/** Receives an exported guest and queues its creation. */
export const importGuest = async (
  event: Event<unknown, ImportQuery>,
  context: Context,
): Promise<Reply<Guest>> => {
  const { runtime } = context;
  const { query, payload, signal } = event;
  const reply = await submitOnce(event, context, async (options) => {
    const wanted = {
      ...query,
      id: randomUUID(),
      bytes: payload instanceof Readable ? payload : Readable.from([]),
      complete: (guest: Guest) => completeGuest(guest, context),
    };
    const submission = await submitImport(runtime, wanted, signal, {
      ...options,
      creator: creatorOf(event, context),
    });
    if (query.start && submission.job)
      await submitGuestAction(runtime, submission.pending, 'start', { by: options.by });
    return submission;
  });
  return { ...reply, body: viewFor(event.principal, reply.body).guest(reply.body), guest: reply.body.id };
};
