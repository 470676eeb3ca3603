import { Duplex } from 'node:stream';
import { CONSOLE_PROTOCOL, resizeMessage, type TerminalSize } from '../../lib/http/websocket/console.js';
import { type DialedSocket, type DialOptions, dial } from '../../lib/http/websocket/dial.js';
import { until } from './wait.js';

/** A client of a console. */
export class Viewer {
  readonly #dialled: DialedSocket;
  #received = Buffer.alloc(0);

  constructor(dialled: DialedSocket) {
    this.#dialled = dialled;
    dialled.messages.on('data', (bytes: Buffer) => {
      this.#received = Buffer.concat([this.#received, bytes]);
    });
  }

  get stream(): Duplex {
    return this.#dialled.messages;
  }

  /** The subprotocol that the server chose. */
  get protocol(): string {
    return this.#dialled.socket.protocol;
  }

  /** Everything received so far. */
  get output(): string {
    return this.#received.toString('latin1');
  }

  sees(words: string, ms?: number): Promise<boolean> {
    return until(`"${words}" appears`, () => this.output.includes(words), ms);
  }

  type(text: string): void {
    this.#dialled.messages.write(Buffer.from(text));
  }

  resize(size: TerminalSize): void {
    this.#dialled.socket.send(resizeMessage(size));
  }

  /** Resolves to the code and reason of the close frame. */
  ends(): Promise<[number, string]> {
    return new Promise((resolve) => {
      this.#dialled.socket.once('close', (code, reason) => resolve([code, reason.toString()]));
    });
  }

  leave(): void {
    this.#dialled.socket.close();
  }
}

/** Connects to the console at a URL. */
export const view = async (url: string, options: Partial<DialOptions> = {}): Promise<Viewer> =>
  new Viewer(await dial(url.replace(/^http/, 'ws'), { protocols: CONSOLE_PROTOCOL, ...options }));

/** A terminal that echoes its input in capitals. */
export const shouting = (): Duplex => {
  const bytes = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      bytes.push(chunk.toString().toUpperCase());
      done();
    },
  });
  bytes.push('hello\r\n');
  return bytes;
};
