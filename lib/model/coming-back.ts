import Joi from 'joi';
import { MAX_SHUTDOWN_S, MIN_SHUTDOWN_S } from './shutdown-timeout.js';

export const AUTOSTART_POLICIES = ['never', 'always', 'last'] as const;
export type AutostartPolicy = (typeof AUTOSTART_POLICIES)[number];

/** Whether and when a guest starts after a boot of its host. */
export interface Autostart {
  /** `last`: as it was before the host went down. */
  policy: AutostartPolicy;
  /** Guests with a lower one start before, and shut down after, those with a higher one or none. */
  order?: number;
  /** Seconds from this guest's start until guests of a later order start. */
  delay?: number;
  /** Seconds that it gets to shut down when the host goes down. */
  shutdownTimeout?: number;
}

export const RESTART_POLICIES = ['never', 'on-failure'] as const;
export type RestartPolicy = (typeof RESTART_POLICIES)[number];

/** Whether a guest starts again after it failed. */
export interface Restart {
  policy: RestartPolicy;
  /** The most restarts within `window`. */
  maxRetries?: number;
  /** Seconds. */
  window?: number;
}

/** What the agent remembers of a guest that may start by itself. */
export interface Intent {
  /** Whether the guest is meant to run: it was on when that was last known, and was not shut down or powered off. */
  power: 'on' | 'off';
  /** Whether it is off because its host goes down, which does not change what it is meant to be. */
  held?: boolean;
  /** Whether it waits for its start after a boot of the host. */
  pending?: boolean;
}

/** The starts by which the agent tried to bring a failed guest back. */
export interface Restarts {
  /** Within the window of the guest's policy, oldest first, in RFC 3339. */
  times: string[];
  /** When the next one is due. */
  next?: string;
  /** Why the last one failed, or why there are no more. */
  problem?: string;
  /** Whether there are no more until a client starts the guest. */
  ended?: boolean;
}

export const MAX_ORDER = 10_000;
export const MAX_DELAY_S = 3600;
export const DEFAULT_MAX_RETRIES = 5;
export const DEFAULT_WINDOW_S = 600;
export const MAX_RETRIES = 100;
export const MIN_WINDOW_S = 10;
export const MAX_WINDOW_S = 86_400;

export const autostartPolicySchema = Joi.string()
  .valid(...AUTOSTART_POLICIES)
  .description(
    'After a boot of the host: `never` starts the guest, `always` does, `last` does if it ran before the host went down',
  )
  .example('last');

export const autostartSchema = Joi.object<Autostart>({
  policy: autostartPolicySchema.required(),
  order: Joi.number()
    .integer()
    .min(0)
    .max(MAX_ORDER)
    .description('Lower numbers start first and shut down last; guests without one start after all others')
    .example(10),
  delay: Joi.number()
    .min(0)
    .max(MAX_DELAY_S)
    .description("Seconds from this guest's start until guests of a later order start")
    .example(30),
  shutdownTimeout: Joi.number()
    .min(MIN_SHUTDOWN_S)
    .max(MAX_SHUTDOWN_S)
    .description('Seconds that the guest gets to shut down when the host goes down; 60 by default')
    .example(120),
})
  .label('autostart')
  .description('Whether and when the guest starts after a boot of the host');

export const restartSchema = Joi.object<Restart>({
  policy: Joi.string()
    .valid(...RESTART_POLICIES)
    .required()
    .description('`on-failure` starts the guest again after it crashed, was killed, or exited with an error')
    .example('on-failure'),
  maxRetries: Joi.number()
    .integer()
    .min(1)
    .max(MAX_RETRIES)
    .description(`The most restarts within \`window\`; ${DEFAULT_MAX_RETRIES} by default`)
    .example(DEFAULT_MAX_RETRIES),
  window: Joi.number()
    .integer()
    .min(MIN_WINDOW_S)
    .max(MAX_WINDOW_S)
    .description(`Seconds; ${DEFAULT_WINDOW_S} by default`)
    .example(DEFAULT_WINDOW_S),
})
  .label('restart')
  .description('Whether the guest starts again after it failed');

const intentSchema = Joi.object<Intent>({
  power: Joi.string().valid('on', 'off').required().description('Whether the guest is meant to run'),
  held: Joi.boolean().description('Whether it is off because the host goes down'),
  pending: Joi.boolean().description('Whether it waits for its start after a boot of the host'),
})
  .label('intent')
  .description('What the agent remembers of a guest that may start by itself; set by the agent');

const restartsSchema = Joi.object<Restarts>({
  times: Joi.array().items(Joi.string().isoDate()).required().description('Within the window, oldest first'),
  next: Joi.string().isoDate().description('When the next one is due'),
  problem: Joi.string().description('Why the last one failed, or why there are no more'),
  ended: Joi.boolean().description('Whether there are no more until a client starts the guest'),
})
  .label('restarts')
  .description('The starts by which the agent tried to bring the guest back; set by the agent');

/** What the agent keeps about guests that start by themselves: the first two are for clients to set. */
export const comingBackSchemas = {
  autostart: autostartSchema.allow(null),
  restart: restartSchema.allow(null),
  intent: intentSchema.allow(null),
  restarts: restartsSchema.allow(null),
};
