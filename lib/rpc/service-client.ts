import type { Readable } from 'node:stream';
import type { JobStage } from './messages.js';

/** What a stream stage got back: the sub-agent's own status and the bytes that follow. */
export interface StreamAnswer {
  status: number;
  body: Readable;
}

/** What the runtime needs of a sub-agent's client. */
export interface ServiceClient {
  /** @param stage what the call is part of, for an async action */
  call(method: string, request: unknown, signal: AbortSignal, stage?: JobStage): Promise<unknown>;
  open(request: unknown, signal: AbortSignal): Promise<StreamAnswer>;
  close(): void;
}
