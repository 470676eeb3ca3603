import { asUser, NOBODY } from './unprivileged.js';

const MB = 2 ** 20;

/** More than qemu-img needs for any sound image. Most of it is the stacks of its 64 threads. */
const MAX_ADDRESS_SPACE_MB = 2048;

export interface SandboxOptions {
  /** The most memory that the program may map, in MB; further allocations fail. */
  addressSpaceMb?: number;
  /**
   * Runs the program as the user `nobody` in this group, without privileges. By default it runs as this process does.
   */
  gid?: number | undefined;
}

/**
 * Wraps a command that reads untrusted files: prlimit(1) limits its memory, and setpriv(1) drops its privileges and
 * makes the kernel kill it when this process dies, so that it cannot keep changing an unattended store.
 * @returns program and arguments
 */
export const sandboxed = (
  program: string,
  args: readonly string[],
  { addressSpaceMb = MAX_ADDRESS_SPACE_MB, gid }: SandboxOptions = {},
): [program: string, args: string[]] => [
  'prlimit',
  [
    ...[`--as=${addressSpaceMb * MB}`, '--core=0'],
    ...['setpriv', '--pdeathsig', 'KILL', ...(gid === undefined ? [] : asUser({ uid: NOBODY, gid })), '--'],
    ...[program, ...args],
  ],
];

const CANNOT_EXECUTE = 127;

/**
 * Whether a `sandboxed` command failed because its program is missing. Matches setpriv's error text (util-linux 2.38).
 */
export const isProgramMissing = (exitCode: number | undefined, stderr: string): boolean =>
  exitCode === CANNOT_EXECUTE && stderr.includes('failed to execute');
