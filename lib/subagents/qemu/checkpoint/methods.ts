import {
  type CheckpointRequest,
  checkpointRequestSchema,
} from '../../../rpc/protocol/checkpoint-messages.js';
import type { GuestResponse } from '../../../rpc/protocol/guest-messages.js';
import type { CallContext } from '../../../rpc/server/call-context.js';
import type { SubAgent } from '../../../rpc/server/sub-agent.js';
import type { Guests } from '../guests/guests.js';
import type { PowerOptions } from '../guests/power-options.js';
import { checkRollback, prepareRollback, resumeCheckpoint } from './restore.js';
import { beginCheckpoint, checkCheckpoint, endCheckpoint } from './take.js';

type Work = (
  guests: Guests,
  request: CheckpointRequest,
  call: CallContext,
  options: PowerOptions,
) => Promise<unknown>;

const METHODS: Record<string, Work> = {
  CheckCheckpoint: (guests, { guest }) => checkCheckpoint(guests, guest.id),
  BeginCheckpoint: (guests, { guest }, call) => beginCheckpoint(guests, guest.id, call),
  EndCheckpoint: (guests, request, call) => endCheckpoint(guests, request, call),
  CheckRollback: (guests, request) => checkRollback(guests, request),
  PrepareRollback: (guests, request, _call, options) => prepareRollback(guests, request, options),
  ResumeCheckpoint: (guests, request, _call, options) => resumeCheckpoint(guests, request, options),
};

/** Adds the methods of snapshots with memory. */
export const addCheckpointMethods = (subAgent: SubAgent, guests: Guests): void => {
  for (const [name, work] of Object.entries(METHODS))
    subAgent.method(
      `Libvirt.${name}`,
      checkpointRequestSchema,
      async (request, call): Promise<GuestResponse> => {
        const notes: string[] = [];
        await work(guests, request, call, { note: (message) => void notes.push(message) });
        return {
          guest: { id: request.guest.id },
          ...(notes.length > 0 ? { message: notes.join('; ') } : {}),
        };
      },
    );
};
