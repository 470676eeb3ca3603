import type { Duplex } from 'node:stream';
import type { Reply } from '../lib/model/endpoint.js';
import { etagOf } from '../lib/model/etag.js';
import type { ActionResult } from '../lib/runtime/runtime.js';
import { JOB_ID_HEADER } from '../lib/server/job-id-header.js';

export const ok = <Body>(body: Body): Reply<Body> => ({ status: 200, body });

/** Something that a client may change later, on condition that it is still the same. */
export const tagged = <Body extends object>(body: Body): Reply<Body> => ({
  status: 200,
  headers: { ETag: etagOf(body) },
  body,
  isStored: true,
});

/** An info action's answer. */
export const answered = <Body>({ pipelineId, result }: ActionResult<Body>): Reply<Body> => ({
  status: 200,
  headers: { [JOB_ID_HEADER]: pipelineId },
  body: result,
});

/** A console's two directions, which take the connection over. */
export const connected = ({ pipelineId, result }: ActionResult<Duplex>): Reply<Duplex> => ({
  status: 101,
  headers: { [JOB_ID_HEADER]: pipelineId },
  body: result,
});
