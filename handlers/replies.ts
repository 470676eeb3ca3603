import type { Duplex, Readable } from 'node:stream';
import type { Reply } from '../lib/model/endpoint.js';
import { etagOf } from '../lib/model/etag.js';
import type { Metadata } from '../lib/model/guest.js';
import { formatTexts, HIDDEN_KEYS_HEADER } from '../lib/model/hidden-keys.js';
import type { Client, Subject } from '../lib/model/rights.js';
import { viewFor } from '../lib/model/secrets.js';
import type { ByteStream } from '../lib/rpc/protocol/byte-stream.js';
import type { ActionResult } from '../lib/runtime/runtime.js';
import { JOB_ID_HEADER } from '../lib/server/job-id-header.js';

export const ok = <Body>(body: Body): Reply<Body> => ({ status: 200, body });

/** Replies with a stored value and its ETag, so that clients can make a later change conditional. */
export const tagged = <Body extends object>(body: Body): Reply<Body> => ({
  status: 200,
  headers: { ETag: etagOf(body) },
  body,
  isStored: true,
});

/**
 * Replies with metadata as the client may see it; a header names the keys that are left out.
 * @param guest whose metadata it is; the host's when absent
 */
export const metadataFor = (client: Client, metadata: Metadata, guest?: Subject): Reply<Metadata> => {
  const view = viewFor(client, guest);
  const reply = tagged(view.metadata(metadata));
  const hidden = view.hiddenKeys(metadata);
  if (hidden.length === 0) return reply;
  return { ...reply, headers: { ...reply.headers, [HIDDEN_KEYS_HEADER]: formatTexts(hidden) } };
};

/** Replies with an action's result. */
export const actionResult = <Body>({ pipelineId, result }: ActionResult<Body>): Reply<Body> => ({
  status: 200,
  headers: { [JOB_ID_HEADER]: pipelineId },
  body: result,
});

/** Hands a console over to the client, whose connection becomes a WebSocket. */
export const connected = ({ pipelineId, result }: ActionResult<Duplex>): Reply<Duplex> => ({
  status: 101,
  headers: { [JOB_ID_HEADER]: pipelineId },
  body: result,
});

/** Passes bytes through to the client as they arrive. */
export const downloaded = ({
  pipelineId,
  result: { bytes, length },
}: ActionResult<ByteStream>): Reply<Readable> => ({
  status: 200,
  headers: {
    [JOB_ID_HEADER]: pipelineId,
    'Content-Type': 'application/octet-stream',
    ...(length === undefined ? {} : { 'Content-Length': String(length) }),
  },
  body: bytes,
});
