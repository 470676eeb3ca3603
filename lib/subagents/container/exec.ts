import { PassThrough, type Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type Docker from 'dockerode';
import type { ExecCreateOptions } from 'dockerode';
import { encodeBytes, inputOf } from '../../model/encoded-output.js';
import { DEFAULT_EXEC_SECONDS, type ExecRequest, type ExecResult } from '../../model/exec.js';
import { Backoff } from '../../portable/backoff.js';
import { Refusal } from '../../rpc/protocol/refusal.js';
import { refusingMistakes } from './errors.js';
import type { Guests } from './guests.js';

const FIRST_LOOK_MS = 20;
const MAX_LOOK_MS = 500;

/** As much of each output is kept as a guest agent keeps. */
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;

/** Collects an output up to the limit, and discards the rest, so that the program is not held up. */
class Collector {
  readonly stream = new PassThrough();
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  isTruncated = false;

  constructor() {
    this.stream.on('data', (chunk: Buffer) => this.#add(chunk));
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  #add(chunk: Buffer): void {
    const kept = chunk.subarray(0, MAX_OUTPUT_BYTES - this.#bytes);
    if (kept.length < chunk.length) this.isTruncated = true;
    if (kept.length > 0) this.#chunks.push(kept);
    this.#bytes += kept.length;
  }
}

/** The pauses between looks at a program that is about to begin or to end. */
export const pausesBetweenLooks = (): Backoff => new Backoff(FIRST_LOOK_MS, MAX_LOOK_MS);

/** @throws {Refusal} `not_found` without a container, `conflict` when it is not running */
export const requireRunning = async (guests: Guests, id: string): Promise<void> => {
  const container = await guests.find(id);
  if (!container) throw new Refusal('not_found', `the container of guest ${id}: not found`);
  if (container.state !== 'running')
    throw new Refusal('conflict', `guest ${id} is ${container.state} and runs no programs: start it first`);
};

/** What to run, as fields of `ContainerExec` of the Docker Engine API. */
export const execOptions = ({
  command,
  env,
  user,
  workingDir,
}: Pick<ExecRequest, 'command' | 'env' | 'user' | 'workingDir'>): ExecCreateOptions => ({
  Cmd: command,
  ...(env ? { Env: Object.entries(env).map(([name, value]) => `${name}=${value}`) } : {}),
  ...(user ? { User: user } : {}),
  ...(workingDir ? { WorkingDir: workingDir } : {}),
});

const makeExec = async (guests: Guests, id: string, request: ExecRequest): Promise<Docker.Exec> => {
  await requireRunning(guests, id);
  const { capture = true } = request;
  return guests.withContainer(id, (engine) =>
    engine.exec({
      ...execOptions(request),
      Tty: false,
      AttachStdin: request.input !== undefined,
      AttachStdout: capture,
      AttachStderr: capture,
    }),
  );
};

/** Waits for the end of a stream, at most until the deadline or the signal. */
const endWithin = async (stream: Readable, ms: number, signal: AbortSignal): Promise<void> => {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(ms)]);
  try {
    await finished(stream, { writable: false, signal: deadline });
  } catch (error) {
    // What the engine says of the program decides, not how the stream ended.
    signal.throwIfAborted();
    if (!deadline.aborted && !stream.destroyed) throw error;
  }
};

/**
 * Runs a program in a container and waits for its end. A program that a signal ends has the exit code 128 and the number of
 * the signal, as engines report it.
 * @returns its result; without an exit code when it still runs after the time in the request
 * @throws {Refusal} `not_found` without a container, `conflict` when it does not run, `invalid` without the program
 */
export const exec = async (
  guests: Guests,
  id: string,
  request: ExecRequest,
  signal: AbortSignal,
): Promise<ExecResult> => {
  const made = await makeExec(guests, id, request);
  const input = inputOf(request);
  const stream = await refusingMistakes(() =>
    guests.engine.call(() => made.start({ hijack: true, stdin: input !== undefined })),
  );
  const [out, err] = [new Collector(), new Collector()];
  try {
    stream.on('error', () => {});
    await guests.engine.call(async (docker) => docker.modem.demuxStream(stream, out.stream, err.stream));
    if (input) stream.end(input);
    await endWithin(stream, (request.timeout ?? DEFAULT_EXEC_SECONDS) * 1000, signal);
  } finally {
    stream.destroy();
  }
  const { Running, ExitCode, Pid } = await guests.engine.call(() => made.inspect());
  const [stdout, stderr] = [encodeBytes(out.bytes), encodeBytes(err.bytes)];
  return {
    exited: !Running,
    ...(Pid > 0 ? { pid: Pid } : {}),
    ...(Running || ExitCode === null ? {} : { exitCode: ExitCode }),
    stdout: stdout.text,
    stdoutEncoding: stdout.encoding,
    stderr: stderr.text,
    stderrEncoding: stderr.encoding,
    truncated: out.isTruncated || err.isTruncated,
  };
};
