import { asUser, NOBODY } from './unprivileged.js';

const MB = 2 ** 20;

/** More than qemu-img ever takes for an image that is as it should be: most of it are the stacks of its 64 threads. */
const MAX_ADDRESS_SPACE_MB = 2048;

export interface Limits {
  /** The most memory it may map; what wants more fails as if there were none. */
  addressSpaceMb?: number;
  /** The group that it runs in, as a user that is nobody and without privileges; this process' own by default. */
  gid?: number | undefined;
}

/**
 * A command that reads what strangers made, with limits of its own: prlimit(1) bounds its memory, and setpriv(1)
 * has it killed when this process dies, so that nobody works on in a store that is not looked after.
 * @returns program and arguments
 */
export const limited = (
  program: string,
  args: readonly string[],
  { addressSpaceMb = MAX_ADDRESS_SPACE_MB, gid }: Limits = {},
): [program: string, args: string[]] => [
  'prlimit',
  [
    ...[`--as=${addressSpaceMb * MB}`, '--core=0'],
    ...['setpriv', '--pdeathsig', 'KILL', ...(gid === undefined ? [] : asUser({ uid: NOBODY, gid })), '--'],
    ...[program, ...args],
  ],
];

const CANNOT_EXECUTE = 127;

/** Whether a command of `limited` failed because the program is not there. */
export const isMissing = (exitCode: number | undefined, stderr: string): boolean =>
  exitCode === CANNOT_EXECUTE && stderr.includes('failed to execute');
