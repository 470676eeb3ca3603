import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import getPort from 'get-port';
import { type Running, startProgram, withDirectory } from './processes.js';

const POLL_MS = 20;
const READY_MS = 120_000;

/** The directory of an earlier build to compare with. */
export const EARLIER_BUILD = process.env.MISTIFY_EARLIER_BUILD;

/** The agent's program: in one file, or as separate modules in builds before that. */
const PROGRAMS = ['dist/programs/agent/main.js', 'dist/routes/mistify-agent.js'];

/** An agent of this or another build, with that build's default config and its real sub-agents. */
export interface RunningBuild extends Running {
  /** The directory of the agent's state. */
  dbpath: string;
  /** Milliseconds from the start until /readyz is ok. */
  readyMs: number;
}

/** Reads the flags of Node and the variables that a program's own first line has. */
const shebangOf = async (program: string): Promise<{ flags: string[]; environment: NodeJS.ProcessEnv }> => {
  const [line = ''] = (await readFile(program, 'utf8')).split('\n');
  const words = line.startsWith('#!') ? line.split(' ') : [];
  return {
    flags: words.filter((word) => word.startsWith('--')),
    environment: Object.fromEntries(
      words.filter((word) => /^\w+=/.test(word)).map((word) => word.split('=') as [string, string]),
    ),
  };
};

const untilReady = async ({ url }: Running): Promise<void> => {
  const giveUpAt = performance.now() + READY_MS;
  while (!(await fetch(`${url}/readyz`)).ok) {
    if (performance.now() > giveUpAt) throw new Error(`${url} does not become ready`);
    await delay(POLL_MS);
  }
};

const defaultConfigOf = async (root: string): Promise<object> =>
  JSON.parse(await readFile(join(root, 'config/agent.json'), 'utf8')) as object;

/**
 * @param root the directory of a checkout that is built
 * @param config instead of the default config of the build
 */
export const startBuild = async (root: string, config?: object): Promise<RunningBuild> => {
  const program = PROGRAMS.map((path) => join(root, path)).find(existsSync);
  if (program === undefined) throw new Error(`${root} is not built: run npm install and npm run build there`);
  const used = config ?? (await defaultConfigOf(root));
  const { flags, environment } = await shebangOf(program);
  const port = await getPort();
  let started: Pick<RunningBuild, 'dbpath' | 'readyMs'> = { dbpath: '', readyMs: 0 };
  const running = await withDirectory(async (directory) => {
    const dbpath = join(directory, 'db');
    const file = join(directory, 'agent.json');
    await writeFile(file, JSON.stringify({ ...used, dbpath }));
    const startedAt = performance.now();
    const agent = await startProgram(
      [...flags, program, '-a', `127.0.0.1:${port}`, '-l', 'warn', '-c', file],
      port,
      environment,
    );
    await untilReady(agent);
    started = { dbpath, readyMs: performance.now() - startedAt };
    return agent;
  });
  return { ...running, ...started };
};
