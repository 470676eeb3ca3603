import Joi from 'joi';
import { EVENT_KINDS, type EventKind } from '../model/event.js';
import { guestIdSchema } from '../model/guest.js';

/** Where events are posted to. It has one of `secret` and `secret_file`. */
export interface WebhookConfig {
  url: string;
  /** What signs each post. */
  secret?: string;
  secret_file?: string;
  /** Events of these kinds alone. */
  kinds?: EventKind[];
  /** Events of these guests alone, by id. */
  guests?: string[];
}

/** What is kept of the events, and who is told of them. */
export interface EventsConfig {
  /** What the newest events may take of the disk; `DEFAULT_MAX_BYTES` of the event log when absent. */
  max_bytes?: number;
  webhooks?: WebhookConfig[];
}

const MAX_WEBHOOKS = 20;

const webhookSchema = Joi.object<WebhookConfig>({
  url: Joi.string()
    .uri({ scheme: ['http', 'https'] })
    .required()
    .description('Where to post to')
    .example('https://hooks.example.org/mistify'),
  secret: Joi.string()
    .min(16)
    .description('What signs each post; a file is better, for a config is often readable'),
  secret_file: Joi.string()
    .description('File, readable by its owner only, with the secret that signs each post')
    .example('/etc/mistify/webhook.secret'),
  kinds: Joi.array()
    .items(Joi.string().valid(...EVENT_KINDS))
    .min(1)
    .unique()
    .description('Events of these kinds alone'),
  guests: Joi.array().items(guestIdSchema).min(1).unique().description('Events of these guests alone, by id'),
})
  .xor('secret', 'secret_file')
  .messages({
    'object.missing': '{{#label}}: give a secret_file (or a secret), by which the receiver knows who posts',
    'object.xor': '{{#label}}: has both a secret and a secret_file, give one of them',
  });

export const eventsSchema = Joi.object<EventsConfig>({
  max_bytes: Joi.number()
    .integer()
    .min(64 * 1024)
    .max(1024 ** 3)
    .description('What the newest events may take of the disk, in bytes'),
  webhooks: Joi.array()
    .items(webhookSchema)
    .max(MAX_WEBHOOKS)
    .unique('url')
    .description('Where events are posted to'),
});
