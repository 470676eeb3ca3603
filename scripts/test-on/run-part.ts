import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import type { Part } from './parts.js';
import { CHECKOUT, type Prepared } from './prepare.js';
import { type PartResult, parseOutput } from './results.js';
import { passedAgain, secondAttempt } from './second-attempt.js';
import type { Command, Session } from './session.js';
import type { System } from './system.js';

export interface Runner {
  system: System;
  session: Session;
  prepared: Prepared;
  /** Where the output of each part is kept. */
  logs: string;
  signal: AbortSignal;
}

/**
 * Runs a program in the checkout, and shows and keeps its output.
 * @param more further environment variables
 */
export const runInCheckout = async (
  { session, prepared, logs, signal }: Runner,
  name: string,
  [program = '', ...args]: readonly string[],
  network: Command['network'],
  more: Part['env'] = {},
): Promise<{ passed: boolean; output: string }> => {
  const env = { ...prepared.env, ...more, ...(process.env.CI ? { CI: process.env.CI } : {}) };
  const [first, ...rest] = session.command({ program, args, network, env, cwd: CHECKOUT });
  const child = execa(first, rest, { stdin: 'ignore', all: true, reject: false, cancelSignal: signal });
  const log = createWriteStream(join(logs, `${name.replaceAll('/', '_')}.log`));
  child.all.pipe(process.stdout, { end: false });
  child.all.pipe(log);
  const { exitCode, all } = await child;
  signal.throwIfAborted();
  return { passed: exitCode === 0, output: all };
};

/** Installs those of the packages that the system has. */
const INSTALL =
  'exec apt-get -q -y install --no-install-recommends $(for name; do apt-cache show "$name" > /dev/null 2>&1 && echo "$name"; done)';

/** Unpacks the QEMU of another release. Without it, the tests that need it say that they were skipped. */
const otherQemu = async (runner: Runner): Promise<Part['env']> => {
  const command = ['npm', 'run', '--silent', 'other-qemu', '--', runner.system.otherQemu];
  const { passed, output } = await runInCheckout(runner, 'other-qemu', command, 'host');
  const [path] = output.split('\n').filter((line) => line.startsWith('/'));
  return passed && path !== undefined ? { MISTIFY_OTHER_QEMU: path } : {};
};

/** Runs the failed tests of a part again, and says whether all of them pass now. */
const runAgain = async (
  runner: Runner,
  part: Part,
  { results }: PartResult,
  env: Part['env'],
): Promise<boolean> => {
  const commands = secondAttempt(part, results);
  for (const [index, command] of commands.entries()) {
    console.log(`\nonce more: the tests of ${part.name} that failed`);
    const { passed } = await runInCheckout(runner, `${part.name}-again-${index}`, command, 'own', env);
    if (!passed) return false;
  }
  return commands.length > 0;
};

/** Runs a part in the system's own network, and its failed tests twice. */
export const runPart = async (runner: Runner, part: Part): Promise<PartResult> => {
  const { name, command, packages = [], prepare } = part;
  if (packages.length > 0)
    await runInCheckout(runner, `${name}-packages`, ['sh', '-c', INSTALL, 'sh', ...packages], 'host');
  if (prepare) await runInCheckout(runner, `${name}-prepare`, prepare, 'host');
  const env = { ...part.env, ...(part.withOtherQemu ? await otherQemu(runner) : {}) };
  const startedAt = performance.now();
  const { passed, output } = await runInCheckout(runner, name, command, 'own', env);
  const results = command[0] === 'npm' ? parseOutput(name, output) : [];
  const result = { part: name, seconds: (performance.now() - startedAt) / 1000, passed, results };
  return !passed && (await runAgain(runner, part, result, env)) ? passedAgain(result) : result;
};

/** Opens a shell in the checkout, in the system's own network, and returns when it exits. */
export const openShell = async ({ session, prepared, signal }: Runner): Promise<boolean> => {
  const env = { ...prepared.env, TERM: process.env.TERM ?? 'dumb' };
  const shell = { program: 'bash', args: [], network: 'own', env, cwd: CHECKOUT } as const;
  const [first, ...rest] = session.command(shell);
  await execa(first, rest, { stdio: 'inherit', reject: false, cancelSignal: signal });
  return true;
};
