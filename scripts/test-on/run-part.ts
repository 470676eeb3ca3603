import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import type { Part } from './parts.js';
import { CHECKOUT, type Prepared } from './prepare.js';
import { type PartResult, parseOutput } from './results.js';
import type { Command, Session } from './session.js';

export interface Runner {
  session: Session;
  prepared: Prepared;
  /** Where the output of each part is kept. */
  logs: string;
  signal: AbortSignal;
}

/** Runs a program in the checkout, and shows and keeps its output. */
export const runInCheckout = async (
  { session, prepared, logs, signal }: Runner,
  name: string,
  [program = '', ...args]: readonly string[],
  network: Command['network'],
): Promise<{ passed: boolean; output: string }> => {
  const env = { ...prepared.env, ...(process.env.CI ? { CI: process.env.CI } : {}) };
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

/** Runs a part in the system's own network. */
export const runPart = async (
  runner: Runner,
  { name, command, packages = [] }: Part,
): Promise<PartResult> => {
  if (packages.length > 0)
    await runInCheckout(runner, `${name}-packages`, ['sh', '-c', INSTALL, 'sh', ...packages], 'host');
  const startedAt = performance.now();
  const { passed, output } = await runInCheckout(runner, name, command, 'own');
  const results = command[0] === 'npm' ? parseOutput(name, output) : [];
  return { part: name, seconds: (performance.now() - startedAt) / 1000, passed, results };
};

/** Opens a shell in the checkout, in the system's own network, and returns when it exits. */
export const openShell = async ({ session, prepared, signal }: Runner): Promise<boolean> => {
  const env = { ...prepared.env, TERM: process.env.TERM ?? 'dumb' };
  const shell = { program: 'bash', args: [], network: 'own', env, cwd: CHECKOUT } as const;
  const [first, ...rest] = session.command(shell);
  await execa(first, rest, { stdio: 'inherit', reject: false, cancelSignal: signal });
  return true;
};
