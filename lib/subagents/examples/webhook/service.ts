import { type TimeLimit, withDeadline } from '../../../async/deadline.js';
import { errorMessage } from '../../../errors.js';
import { axios } from '../../../http/axios.js';
import type { Logger } from '../../../log.js';
import { type GuestRequest, guestRequestSchema } from '../../../rpc/protocol/guest-messages.js';
import { SubAgent } from '../../../rpc/server/sub-agent.js';

const LIMIT: TimeLimit = { ms: 5000, expired: () => new Error('no response within 5 s') };

/** A message in the format of chat services' incoming webhooks. */
export interface WebhookMessage {
  text: string;
  icon_emoji: string;
  username: string;
}

/** Formats the message for a call. The stage's args `emoji` and `name` replace the defaults. */
export const webhookMessage = ({ guest, action, args }: GuestRequest): WebhookMessage => ({
  text: `${action || 'unknown'} called on ${guest.id}`,
  icon_emoji: `:${args?.emoji || 'rainbow'}:`,
  username: args?.name || 'mistify-webhook-post',
});

/** Creates a sub-agent whose one method, `Webhook.Post`, posts the action and the guest to an HTTP endpoint. */
export const createWebhook = (endpoint: string, log: Logger): SubAgent =>
  new SubAgent({ name: 'mistify-webhook', log }).method(
    'Webhook.Post',
    guestRequestSchema,
    async (request, { signal }) => {
      try {
        await withDeadline(LIMIT, signal, (callSignal) =>
          axios.post(endpoint, webhookMessage(request), { signal: callSignal }),
        );
      } catch (error) {
        throw new Error(`cannot post to the webhook endpoint: ${errorMessage(error)}`, { cause: error });
      }
      return { guest: request.guest };
    },
  );
