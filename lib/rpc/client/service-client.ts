import type { Duplex, Readable } from 'node:stream';
import type { TimeLimit } from '../../async/deadline.js';
import type { ByteStream } from '../protocol/byte-stream.js';
import type { JobStage } from '../protocol/calls.js';

/** The request of a console stage and its args, as the query of a URL. */
export type ConsoleQuery = Record<string, string | number>;

export interface CallOptions {
  /** Ends the call. */
  signal?: AbortSignal | undefined;
  limit?: TimeLimit;
  /** The stage that an async action's call belongs to. */
  stage?: JobStage | undefined;
}

/** The client of a sub-agent, as the runtime uses it. All three ways throw an `AgentError`. */
export interface ServiceClient {
  call(method: string, request: unknown, options?: CallOptions): Promise<unknown>;
  open(request: unknown, signal: AbortSignal): Promise<ByteStream>;
  /** Sends bytes as they arrive, and destroys them when the sub-agent wants no more. Returns its result, an object. */
  upload(request: unknown, bytes: Readable, signal: AbortSignal): Promise<object>;
  /**
   * Connects to a console. Buffers are the console's bytes, strings are JSON about the terminal.
   * @param signal cancels opening it; an open console is unaffected
   */
  connect(request: ConsoleQuery, signal: AbortSignal): Promise<Duplex>;
  /**
   * Notifies the sub-agent that a job was cancelled. A broken connection does not show that: the agent may be
   * restarting, and then repeats its call. Resolves within a second, even when the sub-agent does not support
   * cancellation.
   */
  cancel(job: string): Promise<void>;
  close(): void;
}
