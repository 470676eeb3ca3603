import { connect, type Socket } from 'node:net';
import { errorMessage } from '../../../errors.js';
import { SocketBytes } from './bytes.js';
import { type Export, openExport } from './handshake.js';
import { type Extent, type Pending, readReply } from './replies.js';
import * as wire from './wire.js';

/** How long a server may leave a request without a sign of life. */
const SILENCE_MS = 120_000;
/** The most bytes that one request makes zero: some file systems take their time for it. */
const MAX_ZEROES = 2 ** 26;
/** The most bytes that one request asks the extents of. */
const MAX_STATUS = 2 ** 30;

/** Where an export is. */
export interface ExportAddress {
  /** The path of a unix socket. */
  socket: string;
  export: string;
}

interface Waiting extends Pending {
  resolve: () => void;
  reject: (error: Error) => void;
}

const describeAt =
  ({ socket, export: name }: ExportAddress) =>
  (reason: string, cause?: Error): Error =>
    new Error(`the disk at ${socket} (export ${name}): ${reason}`, { cause });

/** A client of one export of an NBD server. Requests may run side by side. */
export class NbdClient {
  readonly #socket: Socket;
  readonly #bytes: SocketBytes;
  readonly #export: Export;
  readonly #describe: ReturnType<typeof describeAt>;
  readonly #waiting = new Map<number, Waiting>();
  #handle = 0;
  #broken: Error | undefined;

  private constructor(socket: Socket, bytes: SocketBytes, opened: Export, address: ExportAddress) {
    this.#socket = socket;
    this.#bytes = bytes;
    this.#export = opened;
    this.#describe = describeAt(address);
    socket.setTimeout(SILENCE_MS, () => {
      if (this.#waiting.size > 0) this.#end(this.#describe(`no response for ${SILENCE_MS / 1000} s`));
    });
    void this.#receive();
  }

  /**
   * Connects to an export.
   * @param signal ends the connection, and fails what still runs
   * @param contexts meta contexts for `extents`
   * @throws when the server does not have the export, or one of the contexts
   */
  static async connect(
    address: ExportAddress,
    signal: AbortSignal,
    contexts: readonly string[] = [],
  ): Promise<NbdClient> {
    signal.throwIfAborted();
    const socket = connect({ path: address.socket });
    const bytes = new SocketBytes(socket);
    const abort = (): void => {
      socket.destroy();
    };
    signal.addEventListener('abort', abort, { once: true });
    socket.once('close', () => signal.removeEventListener('abort', abort));
    try {
      const opened = await openExport(socket, bytes, address.export, contexts);
      const missing = contexts.find((name) => !opened.contexts.has(name));
      if (missing !== undefined) throw new Error(`the server does not have ${missing}`);
      return new NbdClient(socket, bytes, opened, address);
    } catch (error) {
      socket.destroy();
      signal.throwIfAborted();
      throw describeAt(address)(errorMessage(error));
    }
  }

  /** Bytes. */
  get size(): number {
    return this.#export.size;
  }

  async read(offset: number, length: number): Promise<Buffer> {
    const { content } = await this.#request(wire.COMMAND.read, { offset, length, bytes: length });
    // Holes come without data.
    return content ?? Buffer.alloc(length);
  }

  async write(offset: number, data: Buffer): Promise<void> {
    await this.#request(wire.COMMAND.write, { offset, length: data.length, data });
  }

  /** Makes a part of the disk read as zeros, and frees its room where the server can. */
  async writeZeroes(offset: number, length: number): Promise<void> {
    for (let done = 0; done < length; done += MAX_ZEROES) {
      const part = { offset: offset + done, length: Math.min(MAX_ZEROES, length - done) };
      await this.#request(wire.COMMAND.writeZeroes, part);
    }
  }

  /** Waits until all that was written is on the server's device. */
  async flush(): Promise<void> {
    await this.#request(wire.COMMAND.flush, { offset: 0, length: 0 });
  }

  /** Returns the extents that a meta context has for the whole disk, in order. */
  async *extents(context: string): AsyncGenerator<Extent> {
    const id = this.#export.contexts.get(context) ?? -1;
    for (let offset = 0; offset < this.size; ) {
      const length = Math.min(MAX_STATUS, this.size - offset);
      const { extents } = await this.#request(wire.COMMAND.blockStatus, { offset, length });
      const list = extents.get(id) ?? [];
      if (list.length === 0) throw this.#describe(`the server says nothing of ${context} at ${offset}`);
      for (const extent of list) {
        yield extent;
        offset = extent.offset + extent.length;
      }
    }
  }

  /** Ends the connection. */
  close(): void {
    const { disconnect: command } = wire.COMMAND;
    this.#socket.end(wire.encodeRequest({ command, handle: 0, offset: 0, length: 0 }));
    this.#end(this.#describe('the connection was closed'));
  }

  async #request(
    command: wire.Command,
    { offset, length, bytes = 0, data }: { offset: number; length: number; bytes?: number; data?: Buffer },
  ): Promise<Pending> {
    if (this.#broken) throw this.#broken;
    this.#handle += 1;
    const handle = this.#handle;
    const pending: Pending = { offset, bytes, content: undefined, extents: new Map(), failure: undefined };
    await new Promise<void>((resolve, reject) => {
      this.#waiting.set(handle, Object.assign(pending, { resolve, reject }));
      this.#socket.write(wire.encodeRequest({ command, handle, offset, length }));
      if (data) this.#socket.write(data);
    });
    const { failure } = pending;
    if (failure) throw this.#describe(`${failure.message} at byte ${offset}`, failure);
    return pending;
  }

  async #receive(): Promise<void> {
    const find = (handle: number): Waiting => {
      const waiting = this.#waiting.get(handle);
      if (!waiting) throw new Error('the server replied to a request that was not sent');
      return waiting;
    };
    try {
      for (;;) {
        const handle = await readReply(this.#bytes, find);
        if (handle === undefined) continue;
        const { resolve } = find(handle);
        this.#waiting.delete(handle);
        resolve();
      }
    } catch (error) {
      this.#end(this.#describe(errorMessage(error)));
    }
  }

  #end(error: Error): void {
    this.#broken ??= error;
    this.#socket.destroySoon();
    for (const { reject } of this.#waiting.values()) reject(this.#broken);
    this.#waiting.clear();
  }
}
