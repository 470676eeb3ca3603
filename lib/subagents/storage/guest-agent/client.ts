import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** Before a sync's answer, and before its request: what was left over ends there. Never part of UTF-8. */
const DELIMITER = 0xff;
const NEWLINE = 0x0a;
/** An agent's answers to our commands are a line of some dozens of bytes. */
const MAX_LINE_BYTES = 1024 * 1024;

/** The agent did not do it, or did not answer. */
export class GuestAgentError extends Error {
  override readonly name = 'GuestAgentError';
}

interface Answer {
  return?: unknown;
  error?: { class?: string; desc?: string };
}

type Settle = (answer: Answer) => void;

const parseLine = (line: Buffer): Answer | undefined => {
  try {
    const answer = JSON.parse(line.subarray(line.lastIndexOf(DELIMITER) + 1).toString()) as Answer | null;
    return answer ?? undefined;
  } catch {
    // The rest of an answer to somebody who was there before.
    return undefined;
  }
};

/**
 * The QEMU guest agent behind its virtio-serial port: docs/interop/qemu-ga-ref of QEMU. Answers carry no ids and come
 * in order, so one that is late is still waited for before the next.
 */
export class GuestAgent {
  readonly #socket: Socket;
  #waiting: Settle[] = [];
  #rest = Buffer.alloc(0);

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('error', () => {});
    socket.on('data', (data: Buffer) => this.#onData(data));
    socket.once('close', () => this.#onClose());
  }

  /**
   * Connects and finds out whether somebody answers.
   * @param timeoutMs milliseconds for all of it
   * @throws {GuestAgentError} when nobody does
   */
  static async connect(path: string, timeoutMs: number): Promise<GuestAgent> {
    const socket = connect(path);
    const agent = new GuestAgent(socket);
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
   * @param timeoutMs milliseconds to wait for its answer
   * @throws {GuestAgentError} when it is refused, or not answered in time
   */
  async execute(command: string, timeoutMs: number): Promise<unknown> {
    const answered = this.#send(`${JSON.stringify({ execute: command })}\n`);
    const answer = await this.#inTime(command, answered, timeoutMs);
    if (answer.error) throw new GuestAgentError(`${command}: ${answer.error.desc ?? answer.error.class}`);
    return answer.return;
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Closes the connection when all has been answered, so that what was asked for last is still heard. */
  closeWhenAnswered(timeoutMs: number): void {
    const timer = setTimeout(() => this.close(), timeoutMs);
    timer.unref();
    this.#socket.unref();
    const last = this.#waiting.pop();
    if (!last) {
      this.close();
      return;
    }
    this.#waiting.push((answer) => {
      last(answer);
      clearTimeout(timer);
      this.close();
    });
  }

  async #sync(timeoutMs: number): Promise<void> {
    const id = randomInt(2 ** 31);
    const request = JSON.stringify({ execute: 'guest-sync-delimited', arguments: { id } });
    const synced = new Promise<Answer>((resolve) => {
      const settle: Settle = (answer) => {
        // Answers to others may come first.
        if (answer.return === id || answer.error?.class === CLOSED) resolve(answer);
        else this.#waiting.unshift(settle);
      };
      this.#waiting.push(settle);
    });
    this.#socket.write(Buffer.concat([Buffer.of(DELIMITER), Buffer.from(`${request}\n`)]));
    const { error } = await this.#inTime('guest-sync-delimited', synced, timeoutMs);
    if (error) throw new GuestAgentError('the guest agent closed the connection');
  }

  #send(line: string): Promise<Answer> {
    if (this.#socket.destroyed) return Promise.resolve(closedAnswer);
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#socket.write(line);
    });
  }

  async #inTime(command: string, answered: Promise<Answer>, timeoutMs: number): Promise<Answer> {
    const done = new AbortController();
    const late = delay(timeoutMs, undefined, { signal: done.signal }).then(() => undefined);
    late.catch(() => {});
    try {
      const answer = await Promise.race([answered, late]);
      if (answer) return answer;
      throw new GuestAgentError(`${command}: no answer within ${timeoutMs} ms`);
    } finally {
      done.abort();
    }
  }

  #onData(data: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, data]);
    for (let end = this.#rest.indexOf(NEWLINE); end !== -1; end = this.#rest.indexOf(NEWLINE)) {
      const answer = parseLine(this.#rest.subarray(0, end));
      this.#rest = this.#rest.subarray(end + 1);
      if (answer) this.#waiting.shift()?.(answer);
    }
    if (this.#rest.length > MAX_LINE_BYTES) this.close();
  }

  #onClose(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const settle of waiting) settle(closedAnswer);
  }
}

const CLOSED = 'Closed';
const closedAnswer: Answer = { error: { class: CLOSED, desc: 'the connection was closed' } };
