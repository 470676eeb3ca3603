import { type IncomingMessage, ServerResponse } from 'node:http';
import { atEndOfTurn } from '../end-of-turn.js';
import { collectAsPassed } from '../young-garbage.js';

type Callback = (error?: Error | null) => void;
type Written = [chunk: unknown, encodingOrCallback?: BufferEncoding | Callback, callback?: Callback];

/** An answer whose first bytes go out at the end of the turn of the event loop, and its head with them, in one write. */
export class CoalescingResponse<
  Request extends IncomingMessage = IncomingMessage,
> extends ServerResponse<Request> {
  #held: Written | undefined;
  #end: Partial<Written> | undefined;
  #isWaiting = false;
  #isSent = false;

  override write(...written: Written): boolean {
    if (this.#isSent || this.#held || this.#end) {
      this.send();
      const [chunk] = written;
      if (chunk instanceof Uint8Array) collectAsPassed(chunk.length);
      return super.write(...(written as Parameters<ServerResponse['write']>));
    }
    this.#held = written;
    this.#wait();
    return true;
  }

  override end(...written: Partial<Written>): this {
    if (this.#isSent || this.#end) {
      this.send();
      return super.end(...(written as Parameters<ServerResponse['end']>));
    }
    this.#end = written;
    this.#wait();
    return this;
  }

  /** What was written before is sent first, as it would have been. */
  override destroy(error?: Error): this {
    if (!this.destroyed && !this.#isSent) this.send();
    return super.destroy(error);
  }

  static {
    // An accessor in Node, but a field in its types. Hapi takes a response for broken off that closes before it has ended.
    Object.defineProperty(CoalescingResponse.prototype, 'writableEnded', {
      get(this: CoalescingResponse): boolean {
        const isEnded: unknown = Reflect.get(ServerResponse.prototype, 'writableEnded', this);
        return this.#end !== undefined || isEnded === true;
      },
    });
  }

  /** Sends what is held. */
  send(): void {
    if (this.#isSent) return;
    this.#isSent = true;
    const [held, end] = [this.#held, this.#end];
    this.#held = undefined;
    this.#end = undefined;
    if (held && end?.length === 0) {
      super.end(...(held as Parameters<ServerResponse['end']>));
      return;
    }
    if (held) super.write(...(held as Parameters<ServerResponse['write']>));
    if (end) super.end(...(end as Parameters<ServerResponse['end']>));
  }

  #wait(): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    atEndOfTurn(() => {
      try {
        this.send();
      } catch (error) {
        // Whoever wrote what cannot be sent has returned; the other answers are none of its business.
        this.destroy(error as Error);
      }
    });
  }
}
