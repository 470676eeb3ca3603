import { createHmac } from 'node:crypto';
import type { Readable } from 'node:stream';
import { type TimeLimit, withDeadline } from '../../async/deadline.js';
import { axios } from '../../http/axios.js';

/** How long a receiver may take to answer. */
const ANSWER: TimeLimit = { ms: 10_000, expired: () => new Error('it did not answer within 10 s') };

/** Answers that would be the same if the same body came again. */
const NEVER_TAKEN = new Set([400, 413, 422]);

/** A receiver that answered, but not with 2xx. */
export class RefusedError extends Error {
  /** Whether it is of no use to send it again. */
  readonly isFinal: boolean;

  constructor(status: number) {
    const redirect = status >= 300 && status < 400 ? ': redirects are not followed' : '';
    super(`it answered ${status}${redirect}`);
    this.name = 'RefusedError';
    this.isFinal = NEVER_TAKEN.has(status);
  }
}

/**
 * The signature of a post, which nobody can make without the secret.
 * @param timestamp seconds since 1970, signed as well so that an old post cannot be sent again as a new one
 */
export const signatureOf = (secret: string, timestamp: number, body: string): string =>
  `sha256=${createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')}`;

export interface Receiver {
  url: string;
  secret: string;
}

/**
 * Posts a body of JSON once. Nothing of the answer is read but its status.
 * @throws {RefusedError} when the answer is not 2xx
 */
export const post = async ({ url, secret }: Receiver, body: string, signal: AbortSignal): Promise<void> => {
  const timestamp = Math.floor(Date.now() / 1000);
  const headers = {
    'Content-Type': 'application/json',
    'User-Agent': 'mistify-agent',
    'X-Mistify-Timestamp': timestamp,
    'X-Mistify-Signature': signatureOf(secret, timestamp, body),
  };
  const options = { headers, maxRedirects: 0, responseType: 'stream', validateStatus: () => true } as const;
  const { status, data } = await withDeadline(ANSWER, signal, (callSignal) =>
    axios.post<Readable>(url, body, { ...options, signal: callSignal }),
  );
  data.destroy();
  if (status < 200 || status >= 300) throw new RefusedError(status);
};
