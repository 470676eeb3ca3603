import type { IncomingHttpHeaders } from 'node:http';
import { text } from 'node:stream/consumers';
import type { ExecutionContext } from 'ava';
import { serveHttp } from './storage.js';

export interface Posted {
  headers: IncomingHttpHeaders;
  /** The body as received, which the signature covers. */
  text: string;
  body: { event: number; kind: string; id: string; change?: string; after?: number; before?: number };
}

export interface WebhookReceiver {
  url: string;
  /** All posts received so far, including rejected ones. */
  posted: Posted[];
  /** The ids in the bodies of the accepted posts. */
  taken: string[];
}

/**
 * Receives posts until the test ends.
 * @param respond returns the status for a post, or the location to redirect it to
 */
export const receiveWebhooks = async (
  t: ExecutionContext,
  respond: (posted: Posted) => number | { location: string } = () => 204,
): Promise<WebhookReceiver> => {
  const receiver: Omit<WebhookReceiver, 'url'> = { posted: [], taken: [] };
  const url = await serveHttp(t, async (request, response) => {
    const content = await text(request);
    const posted = { headers: request.headers, text: content, body: JSON.parse(content) };
    receiver.posted.push(posted);
    const result = respond(posted);
    if (typeof result !== 'number') {
      response.writeHead(307, { location: result.location }).end();
      return;
    }
    if (result < 300) receiver.taken.push(posted.body.id);
    response.writeHead(result).end();
  });
  return { ...receiver, url };
};
