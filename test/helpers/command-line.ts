import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import { packageRoot } from '../../lib/files/package-root.js';
import { tempDir } from './temp.js';

export const MISTIFY = join(packageRoot, 'dist/lib/cli/main.js');

export interface Result {
  exitCode: number | undefined;
  stdout: string;
  stderr: string;
}

/** Returns an environment without any configuration except the agent's URL. */
export const environment = async (t: ExecutionContext, url: string): Promise<NodeJS.ProcessEnv> => {
  const home = await tempDir(t);
  const { PATH } = process.env;
  return { PATH, HOME: home, TERM: 'xterm', MISTIFY_URL: url };
};

/** Runs `mistify` until it exits. */
export const mistify = async (t: ExecutionContext, url: string, ...args: string[]): Promise<Result> => {
  const { exitCode, stdout, stderr } = await execa(process.execPath, [MISTIFY, ...args], {
    env: await environment(t, url),
    extendEnv: false,
    reject: false,
    timeout: 60_000,
  });
  return { exitCode, stdout, stderr };
};

const quote = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

/** Starts `mistify` on a pseudo-terminal of 120 by 30, by means of `script` (bsdutils). */
export const onTerminal = (t: ExecutionContext, url: string, ...args: string[]) =>
  onTerminalOf(t, { columns: 120, rows: 30 }, url, ...args);

/** Starts `mistify` on a pseudo-terminal of that size. */
export const onTerminalOf = async (
  t: ExecutionContext,
  { columns, rows }: { columns: number; rows: number },
  url: string,
  ...args: string[]
) => {
  const command = `tty; stty cols ${columns} rows ${rows}; exec ${[process.execPath, MISTIFY, ...args].map(quote).join(' ')}`;
  const child = execa('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
    env: await environment(t, url),
    extendEnv: false,
    reject: false,
    all: true,
    timeout: 60_000,
  });
  let output = '';
  child.all.on('data', (data) => {
    output += data;
  });
  /** Resizes the terminal, like a user who drags the corner of its window. */
  const resize = async (size: { columns: number; rows: number }): Promise<void> => {
    const [terminal = ''] = /\/dev\/\S+/.exec(output) ?? [];
    await execa('stty', ['-F', terminal, 'cols', `${size.columns}`, 'rows', `${size.rows}`]);
  };
  return { child, output: () => output, resize };
};
