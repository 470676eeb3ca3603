import { type Agent, type IncomingMessage, request } from 'node:http';
import { constants, gunzipSync, inflateSync } from 'node:zlib';
import type { FuzzRequest } from './requests.js';

export interface FuzzResponse {
  status: number;
  contentType: string;
  text: string;
}

/** How long to read an endless response such as an event stream, in milliseconds. */
const READ_MS = 2000;

/** Decompresses a body, as far as it goes when it was cut off. */
const decoded = (bytes: Buffer, encoding: string | undefined): Buffer => {
  const options = { finishFlush: constants.Z_SYNC_FLUSH };
  if (encoding === 'gzip') return gunzipSync(bytes, options);
  return encoding === 'deflate' ? inflateSync(bytes, options) : bytes;
};

const readBody = async (response: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  const timer = setTimeout(() => response.destroy(), READ_MS);
  try {
    for await (const chunk of response) chunks.push(chunk as Buffer);
  } catch {
    // The timer cut it off.
  } finally {
    clearTimeout(timer);
  }
  return decoded(Buffer.concat(chunks), response.headers['content-encoding']).toString('utf8');
};

/**
 * Sends a request unchanged.
 * @param ms milliseconds after which the client disconnects
 * @returns `undefined` without a response by then, or when the connection was closed
 */
export const send = (
  port: number,
  agent: Agent,
  { method, path, headers, body }: FuzzRequest,
  ms: number,
): Promise<FuzzResponse | undefined> =>
  new Promise((resolve) => {
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const call = request({
      host: '127.0.0.1',
      port,
      agent,
      method,
      path,
      headers: { ...headers, ...length },
    });
    const timer = setTimeout(() => call.destroy(), ms);
    call.on('error', () => {
      clearTimeout(timer);
      resolve(undefined);
    });
    call.on('response', (response) => {
      clearTimeout(timer);
      const { statusCode = 0, headers: answered } = response;
      void readBody(response).then((text) =>
        resolve({ status: statusCode, contentType: answered['content-type'] ?? '', text }),
      );
    });
    call.end(body);
  });
