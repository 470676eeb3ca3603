import { PassThrough, type Readable, Writable } from 'node:stream';
import { drained } from '../async/drained.js';
import { CONSOLE_PROTOCOL, resizeMessage, type TerminalSize } from '../http/websocket/console.js';
import { DEFAULT_EXEC_SECONDS, type ExecRequest, type ExecResult } from '../model/exec.js';
import { EXEC_STREAMS, type ExecEnd, type ExecSession } from '../model/exec-session.js';
import type { CallOptions, Transport } from './transport.js';

const PIECE_BYTES = 64 * 1024;

/** A program that runs in a container while this client is connected. */
export interface RunningProgram {
  stdin: Writable;
  stdout: Readable;
  /** Empty for a program with a terminal. */
  stderr: Readable;
  resize: (size: TerminalSize) => void;
  /** Disconnects, which hangs up a program that still runs. */
  close: () => void;
  /** Resolves with the exit code; rejects when the program did not run, or the connection broke. */
  ended: Promise<number>;
}

const exitCodeOf = (text: string): number => {
  const end = JSON.parse(text) as ExecEnd;
  if ('error' in end) throw new Error(end.error);
  return end.exitCode;
};

/** @param path of the endpoint */
export const requestExec = async (
  transport: Transport,
  path: string,
  request: ExecRequest,
  { signal }: CallOptions,
): Promise<ExecResult> => {
  const { body } = await transport.send<ExecResult>({
    ...{ method: 'POST', path, body: request, once: true, signal },
    waitSeconds: request.timeout ?? DEFAULT_EXEC_SECONDS,
  });
  return body;
};

/** @param path of the endpoint */
export const connectExec = async (
  transport: Transport,
  path: string,
  session: ExecSession,
  { signal }: CallOptions,
): Promise<RunningProgram> => {
  const stream = { readableObjectMode: true, decodeStrings: false };
  const { messages } = await transport.connect(path, { protocol: CONSOLE_PROTOCOL, signal, stream });
  messages.write(JSON.stringify(session));
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const read = async (): Promise<number> => {
    try {
      for await (const message of messages as AsyncIterable<Buffer | string>) {
        if (typeof message === 'string') return exitCodeOf(message);
        const output = message[0] === EXEC_STREAMS.stderr ? stderr : stdout;
        if (!output.write(message.subarray(1)) && !output.destroyed) await drained(output);
      }
      throw new Error('the connection ended before the program did');
    } finally {
      stdout.end();
      stderr.end();
    }
  };
  const stdin = new Writable({
    write: (bytes: Buffer, _encoding, done) => {
      // A larger message would break the connection.
      for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
        const isLast = at + PIECE_BYTES >= bytes.length;
        messages.write(bytes.subarray(at, at + PIECE_BYTES), isLast ? done : undefined);
      }
    },
    final: (done) => void messages.write(JSON.stringify({ end: true }), done),
  });
  // A program may end before it has taken all its input.
  stdin.on('error', () => undefined);
  const ended = read();
  // A caller that has closed it may not wait for its end.
  ended.catch(() => undefined);
  return {
    ...{ stdin, stdout, stderr },
    resize: (size) => void messages.write(resizeMessage(size)),
    close: () => void messages.destroy(),
    ended,
  };
};
