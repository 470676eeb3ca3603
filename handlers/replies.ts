import type { Duplex } from 'node:stream';
import type { Reply } from '../lib/model/endpoint.js';
import { etagOf } from '../lib/model/etag.js';
import type { Answered } from '../lib/runtime/runtime.js';

/** Names the pipeline of an action, which for an async one is its job. */
export const JOB_ID_HEADER = 'X-Guest-Job-ID';

export const ok = <Body>(body: Body): Reply<Body> => ({ status: 200, body });

/** Something that a client may change later, on condition that it is still the same. */
export const tagged = <Body extends object>(body: Body): Reply<Body> => ({
  status: 200,
  headers: { ETag: etagOf(body) },
  body,
  isStored: true,
});

/** An info action's answer. */
export const answered = <Body>({ pipelineId, answer }: Answered<Body>): Reply<Body> => ({
  status: 200,
  headers: { [JOB_ID_HEADER]: pipelineId },
  body: answer,
});

/** A console's two directions, which take the connection over. */
export const connected = ({ pipelineId, answer }: Answered<Duplex>): Reply<Duplex> => ({
  status: 101,
  headers: { [JOB_ID_HEADER]: pipelineId },
  body: answer,
});
