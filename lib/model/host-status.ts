import Joi from 'joi';
import { guestIdSchema } from './guest-schemas.js';
import { MAX_SHUTDOWN_S, MIN_SHUTDOWN_S } from './shutdown-timeout.js';

/**
 * - `up`: guests run as their clients want;
 * - `starting`: guests wait for their start after a boot of the host, or after it was told to stay up;
 * - `going-down`: guests are being shut down or saved because the host goes down, and none starts by itself;
 * - `down`: that has ended, and no guest starts by itself; those that are still on wait.
 */
export const HOST_PHASES = ['up', 'starting', 'going-down', 'down'] as const;
export type HostPhase = (typeof HOST_PHASES)[number];

/** A guest that has not come up or gone down yet. */
export interface WaitingGuest {
  id: string;
  name?: string;
  state?: string;
  /** Why it has not. */
  problem?: string;
}

/** Whether the guests of the host come up or go down. */
export interface HostStatus {
  phase: HostPhase;
  /** The guests that wait for their start or their shutdown. */
  waiting: WaitingGuest[];
}

/** How the guests of a host that goes down are shut down. */
export interface HostDown {
  /** Seconds that each guest gets; its own `autostart.shutdownTimeout` comes first. */
  timeout?: number | undefined;
  /** Whether to cut the power of guests that do not shut down in time. */
  force?: boolean | undefined;
  /** Whether to save the memory of guests instead; their own `autostart.hostDown` comes first. */
  save?: boolean | undefined;
}

export const hostStatusSchema = Joi.object<HostStatus>({
  phase: Joi.string()
    .valid(...HOST_PHASES)
    .required()
    .description('`starting` after a boot of the host; `going-down` and `down` after a POST to /host/down'),
  waiting: Joi.array()
    .items(
      Joi.object<WaitingGuest>({
        id: guestIdSchema.required(),
        name: Joi.string(),
        state: Joi.string(),
        problem: Joi.string().description('Why it is not on or off yet'),
      }),
    )
    .required()
    .description('The guests that wait for their start or their shutdown'),
}).label('host status');

export const shutdownSecondsSchema = Joi.number()
  .min(MIN_SHUTDOWN_S)
  .max(MAX_SHUTDOWN_S)
  .description('Seconds that a guest gets to shut down; 60 by default')
  .example(60);
