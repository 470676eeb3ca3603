import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { packageRoot } from '../../lib/files/package-root.js';
import { until } from './qemu.js';

/** The program that users run. */
export const QEMU_PROGRAM = join(packageRoot, 'dist/lib/subagents/qemu/main.js');

/** The qemu sub-agent as its own process, which serves when this returns and is killed when the test ends. */
export const startQemuProgram = async (
  t: ExecutionContext,
  dir: string,
  port: number,
  ...args: string[]
): Promise<ChildProcess> => {
  const env = {
    ...process.env,
    MISTIFY_PORT: String(port),
    MISTIFY_STATE_DIR: join(dir, 'qemu'),
    MISTIFY_RUN_DIR: join(dir, 'run'),
    MISTIFY_LOG_LEVEL: 'silent',
  };
  const options = { env, stdio: 'ignore' as const };
  const program = spawn(process.execPath, [QEMU_PROGRAM, '--accel', 'tcg', ...args], options);
  t.teardown(() => program.kill('SIGKILL'));
  const answers = (): Promise<boolean> =>
    fetch(`http://127.0.0.1:${port}/_mistify_health_`).then(
      (reply) => reply.ok,
      () => false,
    );
  await until(answers, 'the program answers');
  return program;
};
