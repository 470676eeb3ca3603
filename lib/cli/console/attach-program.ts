import { pipeline } from 'node:stream/promises';
import type { MistifyClient, RunningProgram } from '../../client/index.js';
import { rawKeys } from '../raw-keys.js';
import { terminalSize } from './attach.js';

export interface AttachOptions {
  env?: Record<string, string>;
  user?: string;
  workdir?: string;
  interactive?: boolean;
  tty?: boolean;
  input?: boolean;
}

/** Whether a program is to be connected while it runs. The agent refuses that for a virtual machine. */
export const isAttached = async (
  client: MistifyClient,
  id: string,
  { interactive, tty }: AttachOptions,
): Promise<boolean> => {
  if (tty) return true;
  return interactive ? (await client.guests.get(id)).type === 'container' : false;
};

/** Passes the keys of this terminal on, and its size. Returns what ends that. */
const attachKeys = ({ stdin, resize }: RunningProgram): (() => void) => {
  const release = rawKeys((typed) => stdin.write(typed));
  const sendSize = (): void => resize(terminalSize());
  process.stdout.on('resize', sendSize);
  return () => {
    process.stdout.off('resize', sendSize);
    release();
  };
};

const attachInput = (
  program: RunningProgram,
  { interactive, tty, input = true }: AttachOptions,
): (() => void) => {
  if (!interactive || !input) {
    program.stdin.end();
    return () => undefined;
  }
  if (tty && process.stdin.isTTY) return attachKeys(program);
  process.stdin.pipe(program.stdin);
  return () => void process.stdin.destroy();
};

/**
 * Runs a program in a container, connected to this process.
 * @returns its exit code
 */
export const attach = async (
  client: MistifyClient,
  id: string,
  command: string[],
  options: AttachOptions,
): Promise<number> => {
  const { env, user, workdir, tty } = options;
  const program = await client.guests.openExec(id, {
    command,
    ...(env ? { env } : {}),
    ...(user ? { user } : {}),
    ...(workdir ? { workingDir: workdir } : {}),
    ...(tty ? { terminal: true, size: terminalSize() } : {}),
  });
  const detach = attachInput(program, options);
  try {
    const [code] = await Promise.all([
      program.ended,
      pipeline(program.stdout, process.stdout, { end: false }),
      pipeline(program.stderr, process.stderr, { end: false }),
    ]);
    return code;
  } finally {
    detach();
  }
};
