/** The program that runs several sub-agents in one process. */
export const SHARED_PROGRAM = 'mistify-sub-agents';

/** The sub-agents' programs that can share a process. */
export const SHARING_PROGRAMS = [
  'mistify-storage',
  'mistify-qemu',
  'mistify-container',
  'mistify-backup',
] as const;
export type SharingProgram = (typeof SHARING_PROGRAMS)[number];

export const canShare = (program: string | undefined): program is SharingProgram =>
  SHARING_PROGRAMS.some((name) => name === program);

/** Stands between the arguments of two sub-agents. */
const SEPARATOR = '--';

/** Writes the command lines of several sub-agents as the arguments of the shared program. */
export const joinCommands = (commands: readonly (readonly string[])[]): string[] =>
  commands.flatMap((command, index) => (index === 0 ? command : [SEPARATOR, ...command]));

/** Reads what `joinCommands` has written. */
export const splitCommands = (args: readonly string[]): string[][] => {
  const commands: string[][] = [[]];
  for (const arg of args) {
    if (arg === SEPARATOR) commands.push([]);
    else commands.at(-1)?.push(arg);
  }
  return commands;
};
