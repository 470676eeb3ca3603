import type { Duplex } from 'node:stream';
import type { TimeLimit } from '../../async/deadline.js';
import type { ByteStream } from '../protocol/byte-stream.js';
import type { JobStage } from '../protocol/messages.js';

/** What a console stage is asked: its request and its args, as the query of a URL. */
export type ConsoleQuery = Record<string, string | number>;

export interface CallOptions {
  /** Ends the call. */
  signal?: AbortSignal | undefined;
  limit?: TimeLimit;
  /** What the call is part of, for an async action. */
  stage?: JobStage | undefined;
}

/** What the runtime needs of a sub-agent's client. */
export interface ServiceClient {
  call(method: string, request: unknown, options?: CallOptions): Promise<unknown>;
  open(request: unknown, signal: AbortSignal): Promise<ByteStream>;
  /**
   * Connects with a console: bytes are buffers, what is said about the terminal are strings.
   * @param signal gives up while it is not open yet
   */
  connect(request: ConsoleQuery, signal: AbortSignal): Promise<Duplex>;
  close(): void;
}
