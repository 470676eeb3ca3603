import { randomUUID } from 'node:crypto';
import type { ApiRequest, ApiResponse, CallOptions, Transport } from './transport.js';

const JOB_ID_HEADER = 'x-guest-job-id';
const UNCHECKED_HEADER = 'x-unchecked-stages';

/** Options of a change that can be tried first. */
export interface ChangeOptions extends CallOptions {
  /** Only check the request; change nothing. */
  dryRun?: boolean | undefined;
}

/** Options of a change that can depend on the current version of its object. */
export interface ConditionalOptions extends ChangeOptions {
  /** The expected ETag. The agent responds with 412 if the object has another one. */
  ifMatch?: string | undefined;
}

/** Options of a change that queues a job. */
export interface JobOptions extends ChangeOptions {
  /** Seconds to wait for the job's result; 0 by default. */
  wait?: number | undefined;
  /** Sent instead of a random key, so that a restarted program repeats nothing. */
  idempotencyKey?: string | undefined;
}

export interface Accepted<Body> {
  /** For `waitForJob`; empty for a dry run. */
  jobId: string;
  /** Whether the job ended while the request waited; false for a dry run. */
  finished: boolean;
  /** The stages that a dry run could not check, such as `qemu Libvirt.Run`; empty when all were checked. */
  unchecked: string[];
  /** The job's result if it has finished; otherwise what is known so far. */
  body: Body;
}

export const ifMatchHeader = (ifMatch: string | undefined): Record<string, string> =>
  ifMatch === undefined ? {} : { 'If-Match': ifMatch };

/** Reads the response to a request that queues a job. */
export const accepted = <Body>(
  { status, headers, body }: ApiResponse<Body>,
  dryRun = false,
): Accepted<Body> => ({
  jobId: headers[JOB_ID_HEADER] ?? '',
  finished: status === 200 && !dryRun,
  unchecked: headers[UNCHECKED_HEADER]?.split(', ') ?? [],
  body,
});

/** Sends a request that queues a job. */
export const submit = async <Body>(
  transport: Transport,
  request: Pick<ApiRequest, 'method' | 'path' | 'body' | 'query'>,
  { wait, dryRun, ifMatch, idempotencyKey, signal }: JobOptions & ConditionalOptions = {},
): Promise<Accepted<Body>> => {
  // A DELETE is not sent again: its job may have ended meanwhile, with the object.
  const key = idempotencyKey ?? (request.method === 'DELETE' ? undefined : randomUUID());
  const response = await transport.send<Body>({
    ...request,
    query: { ...request.query, wait, dryRun },
    headers: {
      ...ifMatchHeader(ifMatch),
      ...(key === undefined ? {} : { 'Idempotency-Key': key }),
    },
    waitSeconds: wait,
    signal,
  });
  return accepted(response, dryRun);
};
