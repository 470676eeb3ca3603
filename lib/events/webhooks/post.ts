import { createHmac } from 'node:crypto';
import type { Readable } from 'node:stream';
import { type TimeLimit, withDeadline } from '../../async/deadline.js';
import { axios } from '../../http/axios.js';
import type { Guard } from '../../http/guard.js';

const RESPONSE_LIMIT: TimeLimit = { ms: 10_000, expired: () => new Error('no response within 10 s') };

/** Statuses that another attempt with the same body would get again. */
const FINAL_STATUSES = new Set([400, 413, 422]);

/** A response of the receiver other than 2xx. */
export class RejectedError extends Error {
  /** Whether another attempt would be rejected as well. */
  readonly isFinal: boolean;

  constructor(status: number) {
    const redirect = status >= 300 && status < 400 ? ': redirects are not followed' : '';
    super(`the receiver responded with status ${status}${redirect}`);
    this.name = 'RejectedError';
    this.isFinal = FINAL_STATUSES.has(status);
  }
}

/**
 * Computes the value of `X-Mistify-Signature`: an HMAC-SHA256 of timestamp and body.
 * @param timestamp seconds since 1970; signed too, so that an old request cannot be replayed as a new one
 */
export const signatureOf = (secret: string, timestamp: number, body: string): string =>
  `sha256=${createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')}`;

export interface Receiver {
  url: string;
  secret: string;
  /** Keeps posts to addresses that may be reached. */
  guard: Guard;
}

/**
 * Posts a JSON body once, and ignores the response's own body.
 * @throws {RejectedError} when the status is not 2xx
 */
export const post = async (
  { url, secret, guard }: Receiver,
  body: string,
  signal: AbortSignal,
): Promise<void> => {
  const timestamp = Math.floor(Date.now() / 1000);
  const headers = {
    'Content-Type': 'application/json',
    'User-Agent': 'mistify-agent',
    'X-Mistify-Timestamp': timestamp,
    'X-Mistify-Signature': signatureOf(secret, timestamp, body),
  };
  const { httpAgent, httpsAgent } = guard;
  const options = {
    headers,
    httpAgent,
    httpsAgent,
    maxRedirects: 0,
    responseType: 'stream',
    validateStatus: () => true,
  } as const;
  const { status, data } = await withDeadline(RESPONSE_LIMIT, signal, (callSignal) =>
    axios.post<Readable>(url, body, { ...options, signal: callSignal }),
  );
  data.destroy();
  if (status < 200 || status >= 300) throw new RejectedError(status);
};
