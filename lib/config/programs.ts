import { access, constants, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packageRoot } from '../files/package-root.js';
import type { ServiceConfig } from './schema.js';

/** Returns the path of a program that comes with the agent, such as `mistify-storage`, or undefined. */
export const ownProgram = async (name: string): Promise<string | undefined> => {
  const { bin } = JSON.parse(await readFile(join(packageRoot, 'package.json'), 'utf8')) as {
    bin: Record<string, string>;
  };
  const own = Object.hasOwn(bin, name) ? bin[name] : undefined;
  return own === undefined ? undefined : join(packageRoot, own);
};

const isExecutable = (path: string): Promise<boolean> =>
  access(path, constants.X_OK).then(
    () => true,
    () => false,
  );

/** Explains why a program cannot be started; returns undefined when it can. */
const whyMissing = async (program: string): Promise<string | undefined> => {
  if (program.includes('/'))
    return (await isExecutable(program)) ? undefined : `${program} is not an executable file`;
  if ((await ownProgram(program)) !== undefined) return undefined;
  for (const directory of (process.env.PATH ?? '').split(':'))
    if (await isExecutable(join(directory || '.', program))) return undefined;
  return `no program ${program} on the PATH`;
};

/**
 * Checks that the programs of services exist.
 * @returns the problems, each with the key of its service
 */
export const missingPrograms = async (
  services: ReadonlyMap<string, ServiceConfig>,
): Promise<{ key: string; problem: string }[]> => {
  const problems: { key: string; problem: string }[] = [];
  for (const [name, { command }] of services) {
    const problem = command?.[0] === undefined ? undefined : await whyMissing(command[0]);
    if (problem !== undefined)
      problems.push({ key: `services.${name}`, problem: `services.${name}.command: ${problem}` });
  }
  return problems;
};
