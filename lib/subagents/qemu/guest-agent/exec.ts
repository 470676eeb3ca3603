import { setTimeout as delay } from 'node:timers/promises';
import { encodeBytes, inputOf } from '../../../model/encoded-output.js';
import { DEFAULT_EXEC_SECONDS, type ExecRequest, type ExecResult } from '../../../model/exec.js';
import { Backoff } from '../../../portable/backoff.js';
import { failureIn } from '../../../rpc/protocol/refusal.js';
import type { GuestAgents, RunCommand } from './agents.js';

const FIRST_POLL_MS = 50;
const LONGEST_POLL_MS = 1000;

/** The response to `guest-exec-status`. */
interface Status {
  exited: boolean;
  exitcode?: number;
  signal?: number;
  'out-data'?: string;
  'err-data'?: string;
  'out-truncated'?: boolean;
  'err-truncated'?: boolean;
}

/** The search path of a program that gets an environment, which replaces the agent's own. */
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

const environment = (env: Record<string, string>): string[] =>
  Object.entries({ PATH: DEFAULT_PATH, ...env }).map(([name, value]) => `${name}=${value}`);

/** Starts a program: `guest-exec`. Returns its process id. */
export const startProgram = async (run: RunCommand, request: ExecRequest): Promise<number> => {
  const { command, env, capture = true } = request;
  const [path, ...arg] = command;
  const input = inputOf(request);
  const { pid } = await run<{ pid: number }>('guest-exec', {
    path,
    arg,
    ...(env ? { env: environment(env) } : {}),
    ...(input ? { 'input-data': input.toString('base64') } : {}),
    'capture-output': capture,
  });
  return pid;
};

const resultOf = (pid: number, status: Status): ExecResult => {
  const [out, err] = [status['out-data'], status['err-data']].map((data) =>
    encodeBytes(Buffer.from(data ?? '', 'base64')),
  );
  return {
    exited: status.exited,
    pid,
    ...(status.exitcode === undefined ? {} : { exitCode: status.exitcode }),
    ...(status.signal === undefined ? {} : { signal: status.signal }),
    stdout: out?.text ?? '',
    stdoutEncoding: out?.encoding ?? 'text',
    stderr: err?.text ?? '',
    stderrEncoding: err?.encoding ?? 'text',
    truncated: Boolean(status['out-truncated'] || status['err-truncated']),
  };
};

/**
 * Reads how a program ended, and its output: `guest-exec-status`. The agent forgets both once it has told them.
 */
export const programStatus = async (run: RunCommand, pid: number): Promise<ExecResult> =>
  resultOf(pid, await run<Status>('guest-exec-status', { pid }));

/**
 * Runs a program in a guest and waits for its end. With its output, that end waits for every process that has inherited
 * the output, such as a service that it leaves in the background.
 * @returns its result; without an exit code when it still runs after the time in the request
 * @throws {Refusal} `conflict` when it cannot be started, or its end cannot be found out
 */
export const exec = async (
  agents: GuestAgents,
  id: string,
  request: ExecRequest,
  signal: AbortSignal,
): Promise<ExecResult> => {
  const deadline = performance.now() + (request.timeout ?? DEFAULT_EXEC_SECONDS) * 1000;
  const pid = await agents.use(id, (run) => startProgram(run, request), signal);
  const backoff = new Backoff(FIRST_POLL_MS, LONGEST_POLL_MS);
  try {
    for (;;) {
      const result = await agents.use(id, (run) => programStatus(run, pid), signal);
      const left = deadline - performance.now();
      if (result.exited || left <= 0) return result;
      await delay(Math.min(backoff.next(), left), undefined, { signal });
    }
  } catch (error) {
    throw failureIn(`the program runs, or ran, as process ${pid}, but its end is unknown`, error);
  }
};
