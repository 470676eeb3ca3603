import { type IncomingMessage, ServerResponse } from 'node:http';

type Callback = (error?: Error | null) => void;
type WriteArgs = [chunk: unknown, encodingOrCallback?: BufferEncoding | Callback, callback?: Callback];

let scheduled: (() => void)[] = [];

const runScheduled = (): void => {
  const all = scheduled;
  scheduled = [];
  for (const send of all) send();
};

/**
 * Runs `send` at the end of this turn of the event loop, together with all others. Waking a sleeping client costs as
 * much as a small response; messages that are sent together wake it only once.
 * @param send must not throw
 */
const atEndOfTurn = (send: () => void): void => {
  if (scheduled.push(send) === 1) setImmediate(runScheduled);
};

/**
 * A response that holds its head and its first chunk back until the end of the turn of the event loop, and sends them
 * in one write. A head whose first chunk takes longer is sent alone then. Later chunks are written at once.
 */
export class BatchedResponse<
  Request extends IncomingMessage = IncomingMessage,
> extends ServerResponse<Request> {
  /** Whether no header may say that the connection closes after this response. */
  keepsConnection = false;
  #firstWrite: WriteArgs | undefined;
  #end: Partial<WriteArgs> | undefined;
  #isScheduled = false;
  #isSent = false;

  override setHeader(...[name, value]: Parameters<ServerResponse['setHeader']>): this {
    return this.keepsConnection && name.toLowerCase() === 'connection' ? this : super.setHeader(name, value);
  }

  override writeHead(...args: unknown[]): this {
    super.writeHead(...(args as Parameters<ServerResponse['writeHead']>));
    this.#schedule();
    return this;
  }

  override write(...args: WriteArgs): boolean {
    if (this.#isSent || this.#firstWrite || this.#end) {
      this.send();
      return super.write(...(args as Parameters<ServerResponse['write']>));
    }
    this.#firstWrite = args;
    this.#schedule();
    return true;
  }

  override end(...args: Partial<WriteArgs>): this {
    if (this.#isSent || this.#end) {
      this.send();
      return super.end(...(args as Parameters<ServerResponse['end']>));
    }
    this.#end = args;
    this.#schedule();
    return this;
  }

  /** Sends the bytes written so far, as a plain response would. */
  override destroy(error?: Error): this {
    if (!this.destroyed && !this.#isSent) this.send();
    return super.destroy(error);
  }

  static {
    // An accessor in Node, but a field in its types. hapi treats a response that closes before it has ended as aborted.
    Object.defineProperty(BatchedResponse.prototype, 'writableEnded', {
      get(this: BatchedResponse): boolean {
        const isEnded: unknown = Reflect.get(ServerResponse.prototype, 'writableEnded', this);
        return this.#end !== undefined || isEnded === true;
      },
    });
  }

  /** Sends what is held back, without waiting for the end of the turn. */
  send(): void {
    if (this.#isSent) return;
    this.#isSent = true;
    const [firstWrite, end] = [this.#firstWrite, this.#end];
    this.#firstWrite = undefined;
    this.#end = undefined;
    if (firstWrite && end?.length === 0) {
      super.end(...(firstWrite as Parameters<ServerResponse['end']>));
      return;
    }
    if (firstWrite) super.write(...(firstWrite as Parameters<ServerResponse['write']>));
    if (end) super.end(...(end as Parameters<ServerResponse['end']>));
    else if (!firstWrite) this.flushHeaders();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    atEndOfTurn(() => {
      try {
        this.send();
      } catch (error) {
        // The caller of `write` has returned, and the other responses of this turn must still be sent.
        this.destroy(error as Error);
      }
    });
  }
}
