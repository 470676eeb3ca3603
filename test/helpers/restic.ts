import { chmod, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import type { Snapshot } from '../../lib/subagents/backup/restic/snapshots.js';

/** A command of restic on the repository of a backup sub-agent, as the user who owns it. */
export interface ResticCommand {
  program: string;
  args: string[];
  env: { RESTIC_PASSWORD: string; RESTIC_REPOSITORY: string };
}

/** Makes a command of restic. The user may then enter the directories above the repository. */
export const resticCommand = async (dir: string, ...args: string[]): Promise<ResticCommand> => {
  const repository = join(dir, 'repository');
  const { uid, gid } = await stat(repository);
  const isOther = uid !== process.getuid?.();
  if (isOther) for (const path of [dir, dirname(dir)]) await chmod(path, 0o711);
  const user = isOther ? ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups'] : [];
  const [program = 'restic', ...rest] = [...user, 'restic', '--no-cache', ...args];
  const password = (await readFile(join(dir, 'key'), 'utf8')).trim();
  return { program, args: rest, env: { RESTIC_PASSWORD: password, RESTIC_REPOSITORY: repository } };
};

/** Runs restic by hand. @returns what it printed */
export const restic = async (dir: string, ...words: string[]): Promise<string> => {
  const { program, args, env } = await resticCommand(dir, ...words);
  return (await execa(program, args, { env })).stdout;
};

/** Lists the snapshots in the repository of a backup sub-agent. */
export const snapshotsOf = async (dir: string): Promise<Snapshot[]> =>
  (JSON.parse(await restic(dir, 'snapshots', '--json', '--no-lock')) as Snapshot[] | null) ?? [];

/** Lists the locks in it. */
export const locksOf = async (dir: string): Promise<string[]> =>
  (await restic(dir, 'list', 'locks', '--no-lock')).split('\n').filter((line) => line !== '');
