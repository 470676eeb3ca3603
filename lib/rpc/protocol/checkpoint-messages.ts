import Joi from 'joi';
import type { Guest } from '../../model/guest.js';
import { requiredGuest } from './guest-messages.js';
import { text } from './loose-text.js';

/** What the sub-agent of virtual machines gets in the actions that take snapshots with memory or roll back to them. */
export interface CheckpointRequest {
  guest: Guest;
  /** Selects the snapshot, as in the requests of snapshots. */
  id: string;
  /** Of a rollback: whether the guest's memory is rolled back, too; absent for as far as the snapshot has it. */
  memory?: boolean;
  /** Of a rollback: whether a guest that runs is powered off first. */
  poweroff?: boolean;
  /** For stages that always run: how those before have ended. */
  outcome?: 'succeeded' | 'failed';
}

export const checkpointRequestSchema = Joi.object<CheckpointRequest>({
  guest: requiredGuest,
  id: text(),
  memory: Joi.boolean(),
  poweroff: Joi.boolean(),
  outcome: Joi.string().valid('succeeded', 'failed'),
}).unknown();
