import { EventEmitter } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { QmpClosedError, QmpError, QmpTimeoutError } from './errors.js';

const DEFAULT_TIMEOUT_MS = 10_000;
/** QEMU's longest responses take some hundred kB. A guest that has taken over its QEMU may write without end. */
const MAX_LINE_BYTES = 16 * 2 ** 20;
/** Commands are short and QEMU responds to each, so a QEMU with this many unread bytes has stopped reading. */
const MAX_UNREAD_BYTES = 2 ** 20;
const NEWLINE = 0x0a;

/** An event of QEMU: docs/interop/qmp-spec, "asynchronous events". */
export interface QmpEvent {
  event: string;
  data: Record<string, unknown>;
  timestamp: { seconds: number; microseconds: number };
}

interface QmpClientEvents {
  event: [QmpEvent];
  /** Fires once, when the connection has closed. */
  close: [];
}

export interface QmpConnectOptions {
  /** Milliseconds for the connection, the greeting and the negotiation together. */
  timeoutMs?: number;
  /** Receives events from the first byte on. A listener added after `connect` may miss some. */
  onEvent?: (event: QmpEvent) => void;
}

export interface QmpExecuteOptions {
  /** Milliseconds to wait for the response. */
  timeoutMs?: number;
}

interface Message {
  QMP?: unknown;
  id?: number;
  return?: unknown;
  error?: { class: string; desc: string };
  event?: string;
  data?: Record<string, unknown>;
  timestamp?: { seconds: number; microseconds: number };
}

interface Pending {
  command: string;
  timer: NodeJS.Timeout;
  resolve: (value: unknown) => void;
  reject: (error: Error) => void;
}

/**
 * A client of the QEMU Machine Protocol over a unix socket. A QMP socket serves one client at a time, so a second one
 * waits for its greeting until it times out.
 */
export class QmpClient extends EventEmitter<QmpClientEvents> {
  readonly #socket: Socket;
  readonly #pending = new Map<number, Pending>();
  #greeted: (() => void) | undefined;
  #lastId = 0;
  /** Bytes of the line in progress. */
  #unfinished = 0;
  #closed = false;
  #cause: Error | undefined;

  private constructor(socket: Socket) {
    super();
    this.#socket = socket;
    const onError = (error: Error): void => {
      this.#cause = error;
    };
    socket.on('error', onError);
    socket.once('close', () => this.#onClose());
    socket.on('data', (data: Buffer) => this.#measure(data));
    createInterface({ input: socket, crlfDelay: Number.POSITIVE_INFINITY })
      .on('line', (line) => this.#onLine(line))
      // readline emits the socket's errors again, and an unhandled one would end the process.
      .on('error', onError);
  }

  /**
   * Connects, reads the greeting and negotiates capabilities.
   * @throws {QmpTimeoutError} when QEMU does not respond in time, {QmpClosedError} with the socket's error as its cause
   * when nothing listens
   */
  static async connect(socketPath: string, options: QmpConnectOptions = {}): Promise<QmpClient> {
    const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    const deadline = performance.now() + timeoutMs;
    const client = new QmpClient(connect(socketPath));
    if (options.onEvent) client.on('event', options.onEvent);
    try {
      await client.#greeting(socketPath, timeoutMs);
      await client.execute('qmp_capabilities', undefined, {
        timeoutMs: Math.max(1, deadline - performance.now()),
      });
      return client;
    } catch (error) {
      client.close();
      throw error;
    }
  }

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Runs a command and returns its result. `Result` is the type that QEMU documents for the command.
   * @throws {QmpError} when QEMU rejects the command, {QmpTimeoutError}, {QmpClosedError}
   */
  execute<Result = unknown>(
    command: string,
    args?: Record<string, unknown>,
    options: QmpExecuteOptions = {},
  ): Promise<Result> {
    const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    return new Promise((resolve, reject) => {
      if (this.#closed || this.#socket.destroyed) {
        reject(new QmpClosedError(command, { cause: this.#cause }));
        return;
      }
      this.#lastId += 1;
      const id = this.#lastId;
      const timer = setTimeout(() => {
        this.#pending.delete(id);
        reject(new QmpTimeoutError(command, timeoutMs));
      }, timeoutMs);
      this.#pending.set(id, { command, timer, resolve: (value) => resolve(value as Result), reject });
      this.#socket.write(`${JSON.stringify({ execute: command, arguments: args, id })}\n`);
      if (this.#socket.writableLength > MAX_UNREAD_BYTES)
        this.#socket.destroy(
          new Error(`QMP: QEMU left more than ${MAX_UNREAD_BYTES} bytes of commands unread`),
        );
    });
  }

  /** Closes the connection and rejects pending commands. QEMU keeps running. */
  close(): void {
    this.#socket.destroy();
  }

  #greeting(socketPath: string, timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const onClose = (): void => {
        clearTimeout(timer);
        reject(new QmpClosedError(socketPath, { cause: this.#cause }));
      };
      const timer = setTimeout(() => {
        this.off('close', onClose);
        reject(new QmpTimeoutError(socketPath, timeoutMs));
      }, timeoutMs);
      this.once('close', onClose);
      this.#greeted = () => {
        clearTimeout(timer);
        this.off('close', onClose);
        resolve();
      };
    });
  }

  #measure(data: Buffer): void {
    const end = data.lastIndexOf(NEWLINE);
    this.#unfinished = end === -1 ? this.#unfinished + data.length : data.length - end - 1;
    if (this.#unfinished > MAX_LINE_BYTES)
      this.#socket.destroy(new Error(`QMP: a line of more than ${MAX_LINE_BYTES} bytes`));
  }

  #onLine(line: string): void {
    let message: Message;
    try {
      message = JSON.parse(line) as Message;
    } catch (error) {
      this.#socket.destroy(new Error(`QMP: not JSON: ${line.slice(0, 200)}`, { cause: error }));
      return;
    }
    if (message.event !== undefined) {
      const { event, data = {}, timestamp = { seconds: 0, microseconds: 0 } } = message;
      this.emit('event', { event, data, timestamp });
    } else if (message.QMP !== undefined) {
      this.#greeted?.();
    } else if (message.id !== undefined) {
      this.#onResponse(message.id, message);
    }
  }

  #onResponse(id: number, message: Message): void {
    const pending = this.#pending.get(id);
    // The command has timed out.
    if (!pending) return;
    this.#pending.delete(id);
    clearTimeout(pending.timer);
    if (message.error) {
      pending.reject(new QmpError(pending.command, message.error.class, message.error.desc));
    } else {
      pending.resolve(message.return);
    }
  }

  #onClose(): void {
    this.#closed = true;
    for (const { command, timer, reject } of this.#pending.values()) {
      clearTimeout(timer);
      reject(new QmpClosedError(command, { cause: this.#cause }));
    }
    this.#pending.clear();
    this.emit('close');
  }
}
