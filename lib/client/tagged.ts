import { HIDDEN_KEYS_HEADER, parseTexts } from '../model/hidden-keys.js';
import type { CallOptions, Transport } from './transport.js';

export interface Tagged<Body> {
  body: Body;
  /** For `ifMatch`. */
  etag: string;
  /** The metadata keys that the response leaves out, because they are secret and the token lacks the right `content`. */
  hidden?: string[];
}

export const getTagged = async <Body>(
  transport: Transport,
  path: string,
  { signal }: CallOptions = {},
): Promise<Tagged<Body>> => {
  const { body, headers } = await transport.send<Body>({ method: 'GET', path, signal });
  const hidden = parseTexts(headers[HIDDEN_KEYS_HEADER.toLowerCase()] ?? '');
  return { body, etag: headers.etag ?? '', ...(hidden.length > 0 ? { hidden } : {}) };
};
