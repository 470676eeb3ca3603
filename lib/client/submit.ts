import type { Call, CallOptions, Transport } from './transport.js';

const JOB_ID_HEADER = 'x-guest-job-id';

/** Of a change that can be tried first. */
export interface ChangeOptions extends CallOptions {
  /** Only checks the request: nothing is changed. */
  dryRun?: boolean | undefined;
}

/** Of a change that is made only when its object is still as it was seen. */
export interface ConditionalOptions extends ChangeOptions {
  /** The ETag of what was seen; with another one the change is refused with 412. */
  ifMatch?: string | undefined;
}

/** Of a change that queues a job. */
export interface JobOptions extends ChangeOptions {
  /** Seconds to wait for the job, to get what came of it; 0 by default. */
  wait?: number | undefined;
  /** Sent with a POST in place of a random one, so that a later run of a program does nothing twice. */
  idempotencyKey?: string | undefined;
}

export interface Accepted<Body> {
  /** For `waitForJob`; empty for a dry run, which has no job. */
  jobId: string;
  /** Whether the job has ended while the request waited; of a dry run `false`. */
  finished: boolean;
  /** What came of the job, or as far as it is known before. */
  body: Body;
}

export const ifMatchHeader = (ifMatch: string | undefined): Record<string, string> =>
  ifMatch === undefined ? {} : { 'If-Match': ifMatch };

/** Asks for something that queues a job. */
export const submit = async <Body>(
  transport: Transport,
  call: Pick<Call, 'method' | 'path' | 'body'>,
  { wait, dryRun, ifMatch, idempotencyKey, signal }: JobOptions & ConditionalOptions = {},
): Promise<Accepted<Body>> => {
  const { status, headers, body } = await transport.send<Body>({
    ...call,
    query: { wait, dryRun },
    headers: {
      ...ifMatchHeader(ifMatch),
      ...(idempotencyKey === undefined ? {} : { 'Idempotency-Key': idempotencyKey }),
    },
    patience: wait,
    signal,
  });
  return { jobId: headers[JOB_ID_HEADER] ?? '', finished: status === 200 && !dryRun, body };
};
