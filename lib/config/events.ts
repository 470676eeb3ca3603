import Joi from 'joi';
import { EVENT_KINDS, type EventKind } from '../model/event.js';
import { guestIdSchema } from '../model/guest-schemas.js';

/** A receiver of events. It has either `secret` or `secret_file`. */
export interface WebhookConfig {
  url: string;
  /** The secret that signs each post. */
  secret?: string;
  /** A file with that secret, which only its owner may read. */
  secret_file?: string;
  /** The kinds of events to post; all when absent. */
  kinds?: EventKind[];
  /** The ids of the guests whose events to post; all events when absent. */
  guests?: string[];
}

/** How many events are kept, and which webhooks receive them. */
export interface EventsConfig {
  /** Disk space for the newest events; `DEFAULT_MAX_BYTES` of the event log when absent. */
  max_bytes?: number;
  webhooks?: WebhookConfig[];
}

const MAX_WEBHOOKS = 20;

const webhookSchema = Joi.object<WebhookConfig>({
  url: Joi.string()
    .uri({ scheme: ['http', 'https'] })
    .required()
    .description('The URL to post to')
    .example('https://hooks.example.org/mistify'),
  secret: Joi.string()
    .min(16)
    .description('The secret that signs each post; prefer secret_file when others can read this config'),
  secret_file: Joi.string()
    .description('A file with the secret that signs each post, which only its owner may read')
    .example('/etc/mistify/webhook.secret'),
  kinds: Joi.array()
    .items(Joi.string().valid(...EVENT_KINDS))
    .min(1)
    .unique()
    .description('The kinds of events to post; all by default'),
  guests: Joi.array()
    .items(guestIdSchema)
    .min(1)
    .unique()
    .description('The ids of the guests whose events to post; all events by default'),
})
  .xor('secret', 'secret_file')
  .messages({
    'object.missing':
      '{{#label}}: give a secret_file (or a secret), so that the receiver can verify each post',
    'object.xor': '{{#label}}: has both a secret and a secret_file: remove one of them',
  });

export const eventsSchema = Joi.object<EventsConfig>({
  max_bytes: Joi.number()
    .integer()
    .min(64 * 1024)
    .max(1024 ** 3)
    .description('Disk space for the newest events, in bytes'),
  webhooks: Joi.array()
    .items(webhookSchema)
    .max(MAX_WEBHOOKS)
    .unique('url')
    .description('Receivers of events'),
});
