import { asUser, NOBODY } from './unprivileged.js';
import { endingWithParent } from './with-parent.js';

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
    ...endingWithParent('KILL', [program, ...args], {
      privileges: gid === undefined ? [] : asUser({ uid: NOBODY, gid }),
    }),
  ],
];
