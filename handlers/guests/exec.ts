import type { Context } from '../../lib/agent/context.js';
import type { Event, GuestParams, Reply } from '../../lib/model/endpoint.js';
import type { ExecRequest, ExecResult } from '../../lib/model/exec.js';
import { execInGuest } from '../../lib/runtime/actions/in-guest-actions.js';
import { actionResult } from '../replies.js';

/** Runs a program in a guest and replies once it has ended, or with its process id once the time is up. */
export const runInGuest = async (
  { params, payload, signal }: Event<GuestParams, unknown, ExecRequest>,
  { guests, runtime }: Context,
): Promise<Reply<ExecResult>> =>
  actionResult(await execInGuest(runtime, guests.get(params.guestID), payload, signal));
