/** Runs its arguments if the process with the id `$0` is the parent. */
const IF_PARENT = 'test "$PPID" = "$0" && exec "$@"';

/**
 * Wraps a command so that the kernel ends it when its parent dies: setpriv(1), `--pdeathsig`. That is too late for a parent
 * that dies before setpriv has run, so the command then does not start at all.
 * @param privileges more options of setpriv
 * @param parent the process id of the parent; this process by default
 */
export const endingWithParent = (
  signal: 'TERM' | 'KILL',
  command: readonly string[],
  { privileges = [], parent = process.pid }: { privileges?: readonly string[]; parent?: number } = {},
): [program: 'setpriv', ...args: string[]] => [
  ...(['setpriv', '--pdeathsig', signal, ...privileges, '--'] as const),
  ...['sh', '-c', IF_PARENT, `${parent}`, ...command],
];

const CANNOT_EXECUTE = 127;

/** Whether a command of `endingWithParent` failed because its program is missing. Matches the error text of POSIX shells. */
export const isProgramMissing = (exitCode: number | undefined, stderr: string): boolean =>
  exitCode === CANNOT_EXECUTE && stderr.includes('not found');
