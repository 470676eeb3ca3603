import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** Precedes a sync request and its response, to cut off leftover bytes. Never part of UTF-8. */
const DELIMITER = 0xff;
const NEWLINE = 0x0a;
/** Most responses are lines of some dozens of bytes. */
const DEFAULT_MAX_LINE_BYTES = 1024 * 1024;

/** A refused command, or a missing response. */
export class GuestAgentError extends Error {
  override readonly name: string = 'GuestAgentError';
  /** The class of the agent's error, such as `CommandNotFound`; `undefined` when it did not respond. */
  readonly errorClass: string | undefined;

  constructor(message: string, options: ErrorOptions & { errorClass?: string | undefined } = {}) {
    super(message, options);
    this.errorClass = options.errorClass;
  }
}

/** No response in time. The agent may still run the command later. */
export class GuestAgentTimeout extends GuestAgentError {
  override readonly name = 'GuestAgentTimeout';
}

interface AgentResponse {
  return?: unknown;
  error?: { class?: string; desc?: string };
}

type OnResponse = (response: AgentResponse) => void;

const parseLine = (line: Buffer): AgentResponse | undefined => {
  try {
    const response = JSON.parse(
      line.subarray(line.lastIndexOf(DELIMITER) + 1).toString(),
    ) as AgentResponse | null;
    return response ?? undefined;
  } catch {
    // The rest of a response to an earlier client.
    return undefined;
  }
};

/**
 * A client of the QEMU guest agent behind its virtio-serial port: QEMU's docs/interop/qemu-ga-ref. Responses carry no
 * ids and come in order, so a late response still precedes the next one.
 */
export class GuestAgent {
  readonly #socket: Socket;
  readonly #maxLineBytes: number;
  #waiting: OnResponse[] = [];
  /** The parts of a line that has not ended. */
  #rest: Buffer[] = [];
  #restBytes = 0;

  private constructor(socket: Socket, maxLineBytes: number) {
    this.#socket = socket;
    this.#maxLineBytes = maxLineBytes;
    socket.on('error', () => {});
    socket.on('data', (data: Buffer) => this.#onData(data));
    socket.once('close', () => this.#onClose());
  }

  /**
   * Connects and checks that an agent responds.
   * @param timeoutMs milliseconds for both
   * @param maxLineBytes the longest response; a longer one closes the connection
   * @throws {GuestAgentError} when no agent responds in time
   */
  static async connect(
    path: string,
    timeoutMs: number,
    maxLineBytes = DEFAULT_MAX_LINE_BYTES,
  ): Promise<GuestAgent> {
    const socket = connect(path);
    const agent = new GuestAgent(socket, maxLineBytes);
    try {
      await once(socket, 'connect', { signal: AbortSignal.timeout(timeoutMs) });
      await agent.#sync(timeoutMs);
      return agent;
    } catch (error) {
      agent.close();
      if (error instanceof GuestAgentError) throw error;
      throw new GuestAgentError(`no guest agent at ${path}`, { cause: error });
    }
  }

  /**
   * Runs a command.
   * @param timeoutMs milliseconds to wait for the response
   * @param args the command's arguments
   * @returns the response's value
   * @throws {GuestAgentError} when the agent refuses the command or does not respond in time
   */
  async execute(command: string, timeoutMs: number, args?: Record<string, unknown>): Promise<unknown> {
    const sent = this.#send(`${JSON.stringify({ execute: command, arguments: args })}\n`);
    const response = await this.#inTime(command, sent, timeoutMs);
    if (response.error)
      throw new GuestAgentError(`${command}: ${response.error.desc ?? response.error.class}`, {
        errorClass: response.error.class,
      });
    return response.return;
  }

  close(): void {
    this.#socket.destroy();
  }

  /**
   * Closes the connection after the last response or `timeoutMs`, so that an agent that hangs still reads the commands.
   */
  closeAfterResponses(timeoutMs: number): void {
    const timer = setTimeout(() => this.close(), timeoutMs);
    timer.unref();
    this.#socket.unref();
    const last = this.#waiting.pop();
    if (!last) {
      this.close();
      return;
    }
    this.#waiting.push((response) => {
      last(response);
      clearTimeout(timer);
      this.close();
    });
  }

  async #sync(timeoutMs: number): Promise<void> {
    const id = randomInt(2 ** 31);
    const request = JSON.stringify({ execute: 'guest-sync-delimited', arguments: { id } });
    const synced = new Promise<AgentResponse>((resolve) => {
      const onResponse: OnResponse = (response) => {
        // Responses to earlier clients may come first.
        if (response.return === id || response.error?.class === CLOSED) resolve(response);
        else this.#waiting.unshift(onResponse);
      };
      this.#waiting.push(onResponse);
    });
    this.#socket.write(Buffer.concat([Buffer.of(DELIMITER), Buffer.from(`${request}\n`)]));
    const { error } = await this.#inTime('guest-sync-delimited', synced, timeoutMs);
    if (error) throw new GuestAgentError('the guest agent closed the connection');
  }

  #send(line: string): Promise<AgentResponse> {
    if (this.#socket.destroyed) return Promise.resolve(CLOSED_RESPONSE);
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#socket.write(line);
    });
  }

  async #inTime(command: string, sent: Promise<AgentResponse>, timeoutMs: number): Promise<AgentResponse> {
    const done = new AbortController();
    const late = delay(timeoutMs, undefined, { signal: done.signal }).then(() => undefined);
    late.catch(() => {});
    try {
      const response = await Promise.race([sent, late]);
      if (response) return response;
      throw new GuestAgentTimeout(`${command}: no response within ${timeoutMs} ms`);
    } finally {
      done.abort();
    }
  }

  #onData(data: Buffer): void {
    let rest = data;
    for (let end = rest.indexOf(NEWLINE); end !== -1; end = rest.indexOf(NEWLINE)) {
      const response = parseLine(Buffer.concat([...this.#rest, rest.subarray(0, end)]));
      this.#rest = [];
      this.#restBytes = 0;
      rest = rest.subarray(end + 1);
      if (response) this.#waiting.shift()?.(response);
    }
    if (rest.length > 0) this.#rest.push(rest);
    this.#restBytes += rest.length;
    if (this.#restBytes > this.#maxLineBytes) this.close();
  }

  #onClose(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const onResponse of waiting) onResponse(CLOSED_RESPONSE);
  }
}

const CLOSED = 'Closed';
const CLOSED_RESPONSE: AgentResponse = { error: { class: CLOSED, desc: 'the connection was closed' } };
