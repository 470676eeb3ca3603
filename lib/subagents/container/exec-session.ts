import { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type Docker from 'dockerode';
import type { ObjectSchema } from 'joi';
import { drained } from '../../async/drained.js';
import { errorMessage } from '../../errors.js';
import { describeMistakes } from '../../model/describe-mistakes.js';
import {
  EXEC_STREAMS,
  type ExecControl,
  type ExecEnd,
  type ExecSession,
  execControlSchema,
  execSessionSchema,
} from '../../model/exec-session.js';
import { Refusal } from '../../rpc/protocol/refusal.js';
import { hangUp } from './console.js';
import { refusingMistakes } from './errors.js';
import { execOptions, pausesBetweenLooks } from './exec.js';
import { FrameReader } from './frames.js';
import type { Guests } from './guests.js';

/** How long the client may take to say what to run. */
const FIRST_MESSAGE_MS = 10_000;

interface Program {
  exec: Docker.Exec;
  stream: Duplex;
  terminal: boolean;
}

const parse = <T>(text: string, schema: ObjectSchema<T>): T => {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    throw new Refusal('invalid', 'a text message is not JSON');
  }
  const { value, error } = schema.validate(content);
  if (error) throw new Refusal('invalid', describeMistakes(error));
  return value;
};

/**
 * A program in a container, as the messages of its client. The first one says what to run: `ExecSession`. After that,
 * buffers are its input and texts are `ExecControl`. It reads as buffers that begin with the number of an output, and
 * at the end an `ExecEnd` as text. A program whose client leaves is hung up.
 */
export class ExecMessages extends Duplex {
  readonly #guests: Guests;
  readonly #id: string;
  readonly #late: NodeJS.Timeout;
  #program: Program | undefined;
  #ended = false;
  #resume: (() => void) | undefined;

  constructor(guests: Guests, id: string) {
    super({ objectMode: true });
    this.#guests = guests;
    this.#id = id;
    this.#late = setTimeout(
      () => this.#end({ error: `no message within ${FIRST_MESSAGE_MS / 1000} s said what to run` }),
      FIRST_MESSAGE_MS,
    );
  }

  override _write(message: Buffer | string, _encoding: string, done: (error?: Error | null) => void): void {
    this.#take(message).then(
      () => done(),
      (error) => {
        this.#end({ error: errorMessage(error) });
        done();
      },
    );
  }

  override _read(): void {
    this.#resume?.();
    this.#resume = undefined;
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    clearTimeout(this.#late);
    this.#resume?.();
    const { exec, stream } = this.#program ?? {};
    stream?.destroy();
    // The program may have ended, or the engine may be gone.
    if (exec && !this.readableEnded) void hangUp(exec).catch(() => undefined);
    done(error);
  }

  /** Whether the client has left, or knows the end already. */
  get #isOver(): boolean {
    return this.destroyed || this.#ended;
  }

  async #take(message: Buffer | string): Promise<void> {
    if (this.#isOver) return;
    if (this.#program === undefined) {
      clearTimeout(this.#late);
      if (typeof message !== 'string')
        throw new Refusal('invalid', 'the first message must be a text: what to run');
      await this.#start(parse<ExecSession>(message, execSessionSchema));
    } else if (typeof message === 'string')
      await this.#control(parse<ExecControl>(message, execControlSchema));
    else if (this.#program.stream.writable && !this.#program.stream.write(message))
      await drained(this.#program.stream);
  }

  async #start({ terminal = false, size, ...what }: ExecSession): Promise<void> {
    const { engine } = this.#guests;
    const exec = await this.#guests.withContainer(this.#id, (container) =>
      container.exec({
        ...execOptions(terminal ? { ...what, env: { TERM: 'xterm-256color', ...what.env } } : what),
        Tty: terminal,
        ...{ AttachStdin: true, AttachStdout: true, AttachStderr: true },
      }),
    );
    if (this.#isOver) return;
    const stream = await refusingMistakes(() =>
      engine.call(() => exec.start({ hijack: true, stdin: true, Tty: terminal })),
    );
    stream.on('error', () => undefined);
    if (this.#isOver) {
      stream.destroy();
      return hangUp(exec);
    }
    this.#program = { exec, stream, terminal };
    if (size) await this.#control({ resize: size });
    void this.#pass(this.#program).catch((error) => this.#end({ error: errorMessage(error) }));
  }

  async #control(control: ExecControl): Promise<void> {
    const { exec, stream, terminal } = this.#program ?? {};
    if ('resize' in control) {
      // A resize that fails leaves a terminal that works.
      await exec?.resize({ w: control.resize.columns, h: control.resize.rows }).catch(() => undefined);
      return;
    }
    // The input of a terminal has no end, and Docker may drop the output of one that is half closed.
    if (!terminal) stream?.end();
  }

  /** Passes the output on, and at its end how the program ended. */
  async #pass({ exec, stream, terminal }: Program): Promise<void> {
    const reader = new FrameReader();
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      const pieces = terminal ? [{ stream: EXEC_STREAMS.stdout, bytes: chunk }] : reader.read(chunk);
      for (const piece of pieces)
        if (!this.push(Buffer.concat([Buffer.from([piece.stream]), piece.bytes])) && !this.destroyed)
          await new Promise<void>((resolve) => {
            this.#resume = resolve;
          });
    }
    const backoff = pausesBetweenLooks();
    while (!this.destroyed) {
      const { Running, ExitCode } = await this.#guests.engine.call(() => exec.inspect());
      if (!Running) return this.#end({ exitCode: ExitCode ?? 0 });
      await delay(backoff.next());
    }
  }

  #end(end: ExecEnd): void {
    if (this.#isOver) return;
    this.#ended = true;
    this.push(JSON.stringify(end));
    this.push(null);
  }
}
