import type { IncomingHttpHeaders } from 'node:http';
import { text } from 'node:stream/consumers';
import type { ExecutionContext } from 'ava';
import { serveHttp } from './storage.js';

export interface Posted {
  headers: IncomingHttpHeaders;
  /** As it came, which is what is signed. */
  text: string;
  body: { event: number; kind: string; id: string; change?: string; after?: number; before?: number };
}

export interface WebhookReceiver {
  url: string;
  /** What was posted so far, the posts that were refused included. */
  posted: Posted[];
  /** The ids of what the posts that were taken are about. */
  taken: string[];
}

/**
 * Receives posts until the test ends.
 * @param answer the status for each of them, or where to go instead
 */
export const receiveWebhooks = async (
  t: ExecutionContext,
  answer: (posted: Posted) => number | { location: string } = () => 204,
): Promise<WebhookReceiver> => {
  const receiver: Omit<WebhookReceiver, 'url'> = { posted: [], taken: [] };
  const url = await serveHttp(t, async (request, response) => {
    const content = await text(request);
    const posted = { headers: request.headers, text: content, body: JSON.parse(content) };
    receiver.posted.push(posted);
    const answered = answer(posted);
    if (typeof answered !== 'number') {
      response.writeHead(307, { location: answered.location }).end();
      return;
    }
    if (answered < 300) receiver.taken.push(posted.body.id);
    response.writeHead(answered).end();
  });
  return { ...receiver, url };
};
