import Joi from 'joi';
import {
  AUTOSTART_POLICIES,
  type Autostart,
  DEFAULT_MAX_RETRIES,
  DEFAULT_WINDOW_S,
  HOST_DOWN_POLICIES,
  type Intent,
  MAX_DELAY_S,
  MAX_ORDER,
  MAX_RETRIES,
  MAX_WINDOW_S,
  MIN_WINDOW_S,
  RESTART_POLICIES,
  type Restart,
  type Restarts,
} from './coming-back.js';
import { MAX_SHUTDOWN_S, MIN_SHUTDOWN_S } from './shutdown-timeout.js';

export const autostartPolicySchema = Joi.string()
  .valid(...AUTOSTART_POLICIES)
  .description(
    'After a boot of the host: `never` starts the guest, `always` does, `last` does if it ran before the host went down',
  )
  .example('last');

/** The keys of `autostart`. Only `policy` is required. */
export const autostartSchemas = {
  policy: autostartPolicySchema,
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
  hostDown: Joi.string()
    .valid(...HOST_DOWN_POLICIES)
    .description(
      'When the host goes down: `shutdown` shuts the guest down, `save` saves its memory to disk, and its next start resumes it; by default as the host is told',
    )
    .example('save'),
} satisfies Record<keyof Autostart, Joi.Schema>;

export const autostartSchema = Joi.object<Autostart>({
  ...autostartSchemas,
  policy: autostartPolicySchema.required(),
})
  .label('autostart')
  .description('Whether and when the guest starts after a boot of the host');

/** The keys of `restart`. Only `policy` is required. */
export const restartSchemas = {
  policy: Joi.string()
    .valid(...RESTART_POLICIES)
    .description(
      '`on-failure` starts the guest again after it crashed, was killed, or exited with an error; `always`, for containers only, whenever its program has exited',
    )
    .example('on-failure'),
  maxRetries: Joi.number()
    .integer()
    .min(1)
    .max(MAX_RETRIES)
    .description(
      `The most restarts within \`window\`; ${DEFAULT_MAX_RETRIES} by default, and no limit with \`always\``,
    )
    .example(DEFAULT_MAX_RETRIES),
  window: Joi.number()
    .integer()
    .min(MIN_WINDOW_S)
    .max(MAX_WINDOW_S)
    .description(`Seconds; ${DEFAULT_WINDOW_S} by default`)
    .example(DEFAULT_WINDOW_S),
} satisfies Record<keyof Restart, Joi.Schema>;

export const restartSchema = Joi.object<Restart>({
  ...restartSchemas,
  policy: restartSchemas.policy.required(),
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
  problem: Joi.string().description(
    'Why the last one failed, or why the agent has stopped restarting the guest',
  ),
  ended: Joi.boolean().description(
    'Whether the agent has stopped restarting the guest until a client starts it',
  ),
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
