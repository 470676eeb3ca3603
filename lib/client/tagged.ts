import type { CallOptions, Transport } from './transport.js';

export interface Tagged<Body> {
  body: Body;
  /** For `ifMatch`. */
  etag: string;
}

export const getTagged = async <Body>(
  transport: Transport,
  path: string,
  { signal }: CallOptions = {},
): Promise<Tagged<Body>> => {
  const { body, headers } = await transport.send<Body>({ method: 'GET', path, signal });
  return { body, etag: headers.etag ?? '' };
};
