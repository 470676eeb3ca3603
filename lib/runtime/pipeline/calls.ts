import { waitFor } from '../../async/deadline.js';
import type { JobStage } from '../../rpc/protocol/calls.js';
import { type Action, type Stage, timeLimitOf } from './action.js';

export interface StageCall {
  signal: AbortSignal | undefined;
  jobStage: JobStage | undefined;
  /** Called when the stage's timeout starts to count. */
  onStart: () => void;
}

/** Calls a job's stage. The timeout counts from when the service has room for the call. */
const callQueued = (
  stage: Stage,
  request: unknown,
  { signal, jobStage, onStart }: StageCall,
): Promise<unknown> => {
  const { method, service } = stage;
  const call = (): Promise<unknown> => {
    onStart();
    return service.client.call(method, request, { signal, limit: timeLimitOf(stage), stage: jobStage });
  };
  return waitFor(service.throttle(call), signal);
};

/**
 * Calls a job's stage that may take as long as a download. Its sub-agent may continue when the connection breaks, so
 * notify it of a cancellation first.
 */
const callDownload = async (
  stage: Stage,
  request: unknown,
  { signal, jobStage, onStart }: StageCall,
): Promise<unknown> => {
  const { method, service } = stage;
  const ended = new AbortController();
  let isSent = false;
  const onAbort = async (): Promise<void> => {
    if (isSent && jobStage) await service.client.cancel(jobStage.job);
    ended.abort(signal?.reason);
  };
  const call = (): Promise<unknown> => {
    ended.signal.throwIfAborted();
    isSent = true;
    onStart();
    const options = { signal: ended.signal, limit: timeLimitOf(stage), stage: jobStage };
    return service.client.call(method, request, options);
  };
  if (signal?.aborted) await onAbort();
  else signal?.addEventListener('abort', onAbort, { once: true });
  try {
    return await waitFor(service.throttleDownload(call), ended.signal);
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
};

/** Calls a stage while a client waits. The timeout counts at once, so it includes waiting for the service. */
export const callNow = (
  stage: Stage,
  request: unknown,
  { signal, jobStage, onStart }: StageCall,
): Promise<unknown> => {
  const { method, service } = stage;
  onStart();
  const limit = timeLimitOf(stage);
  const deadline = performance.now() + limit.ms;
  const call = async (): Promise<unknown> => {
    const ms = deadline - performance.now();
    // The service had no room in time, and the client already has its timeout.
    if (ms <= 0) throw limit.expired();
    return service.client.call(method, request, { signal, limit: { ...limit, ms }, stage: jobStage });
  };
  return waitFor(service.throttle(call), signal, limit);
};

/** Chooses how the stages of an action are called. */
export const wayToCall = ({ kind, isDownload }: Action): typeof callNow => {
  if (kind !== 'async') return callNow;
  return isDownload ? callDownload : callQueued;
};
