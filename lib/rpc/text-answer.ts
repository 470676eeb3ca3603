import type { Dispatcher } from 'undici';
import { AxiosError } from '../http/axios.js';

/** An answer that has been read. */
export interface TextAnswer {
  status: number;
  statusText: string;
  text: string;
}

export interface TextRequest extends Dispatcher.DispatchOptions {
  /** Ends the request, or what is still to come of its answer. */
  signal: AbortSignal | undefined;
  /** Milliseconds that all of it may take; 0 for any number. */
  timeout: number;
  /** An answer of more is an error. */
  maxBytes: number;
}

/** What undici calls as an answer arrives. A stream for each, as its `request` makes, costs more than a small answer. */
class TextReader implements Dispatcher.DispatchHandler {
  readonly #request: TextRequest;
  readonly #resolve: (answer: TextAnswer) => void;
  readonly #reject: (reason: unknown) => void;
  readonly #chunks: Buffer[] = [];
  readonly #timer: NodeJS.Timeout | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #ended: Error | undefined;
  #bytes = 0;
  #status = 0;
  #statusText = '';

  readonly #onAbort = (): void => this.#end(this.#request.signal?.reason);

  readonly #onTimeUp = (): void =>
    this.#end(new AxiosError(`no answer within ${this.#request.timeout} ms`, AxiosError.ETIMEDOUT));

  constructor(
    request: TextRequest,
    resolve: (answer: TextAnswer) => void,
    reject: (reason: unknown) => void,
  ) {
    this.#request = request;
    this.#resolve = resolve;
    this.#reject = reject;
    request.signal?.addEventListener('abort', this.#onAbort);
    if (request.timeout > 0) this.#timer = setTimeout(this.#onTimeUp, request.timeout);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#ended !== undefined) controller.abort(this.#ended);
  }

  /** Comes for each answer that only informs, too, before the one that counts. */
  onResponseStart(_: unknown, status: number, _headers: unknown, statusText = ''): void {
    this.#status = status;
    this.#statusText = statusText;
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const { maxBytes } = this.#request;
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes > maxBytes)
      controller.abort(
        new AxiosError(`the answer has more than ${maxBytes} bytes`, AxiosError.ERR_BAD_RESPONSE),
      );
  }

  onResponseEnd(): void {
    this.#letGo();
    const text = Buffer.concat(this.#chunks).toString();
    this.#resolve({ status: this.#status, statusText: this.#statusText, text });
  }

  onResponseError(_: unknown, error: Error): void {
    this.#letGo();
    this.#reject(error);
  }

  #end(reason: Error): void {
    this.#letGo();
    this.#ended = reason;
    this.#controller?.abort(reason);
    this.#reject(reason);
  }

  #letGo(): void {
    clearTimeout(this.#timer);
    this.#request.signal?.removeEventListener('abort', this.#onAbort);
  }
}

/**
 * Sends a request, and reads its answer.
 * @throws undici's errors, the signal's reason, {AxiosError} when the answer is too long or the time is up
 */
export const requestText = (connections: Dispatcher, request: TextRequest): Promise<TextAnswer> =>
  new Promise((resolve, reject) => {
    connections.dispatch(request, new TextReader(request, resolve, reject));
  });
