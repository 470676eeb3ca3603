import { Refusal } from '../../../rpc/protocol/refusal.js';
import type { ResticSettings } from './settings.js';

/** The ways in which restic fails that need a reaction of their own. */
export type FailureKind =
  | 'no_program'
  | 'no_repository'
  | 'locked'
  | 'wrong_key'
  | 'no_space'
  | 'no_snapshot'
  | 'incomplete'
  | 'damaged'
  | 'other';

/** restic's exit codes from version 0.17 on: "Exit codes" in its manual. Earlier ones have 1 and 3 alone. */
const EXIT_CODES: Partial<Record<number, FailureKind>> = {
  3: 'incomplete',
  10: 'no_repository',
  11: 'locked',
  12: 'wrong_key',
};

/** What restic 0.14 prints; it has no codes for these. */
const TEXTS: readonly [RegExp, FailureKind][] = [
  // First, because a full repository makes others fail, too.
  [/no space left on device|disk quota exceeded/i, 'no_space'],
  [/is already locked/, 'locked'],
  [/wrong password or no key found/, 'wrong_key'],
  [/Is there a repository at the following location/, 'no_repository'],
  [/no matching ID found|no snapshot found/, 'no_snapshot'],
  [
    /ciphertext verification failed|not found in repository|invalid data returned|(ReadFull|Load)\(<data.*(no such file|not exist|NoSuchKey)|packs from index missing in repo|index is not complete/,
    'damaged',
  ],
];

/** The parts of a line of `--json` that restic writes to standard error. */
interface ErrorLine {
  message?: string;
  error?: { message?: string; Op?: string; Path?: string };
  item?: string;
}

const textOf = (line: string): string => {
  if (!line.startsWith('{')) return line;
  try {
    const { message, error, item } = JSON.parse(line) as ErrorLine;
    return message ?? error?.message ?? `${error?.Op ?? 'error'} ${error?.Path ?? item ?? ''}`;
  } catch {
    return line;
  }
};

const MAX_WORDS = 600;
/** Lines about what restic or its user should do next, and the stacks of Go. */
const NOISE = /retrying after|the `unlock` command|^\t|^(runtime|main|github\.com|golang\.org)[./]/;

/** The last lines that restic wrote, with the names of the directories that it inherits as open files. */
export const wordsOf = (stderr: string, names: ReadonlyMap<string, string>): string => {
  const lines = stderr
    .trim()
    .split('\n')
    .flatMap((line) => textOf(line).split('\n'));
  let text = lines
    .filter((line) => !NOISE.test(line))
    .slice(-3)
    .join('; ');
  for (const [name, path] of names) text = text.replaceAll(name, path);
  return text.replace(/^Fatal: /, '').slice(-MAX_WORDS);
};

/** Classifies a failed end of restic. */
export const kindOfEnd = ({
  exitCode,
  stderr,
}: {
  exitCode: number | undefined;
  stderr: string;
}): FailureKind => {
  const [, kind] = TEXTS.find(([text]) => text.test(stderr)) ?? [];
  if (kind === 'no_space') return kind;
  return EXIT_CODES[exitCode ?? 0] ?? kind ?? 'other';
};

/** A command of restic that failed. */
export class ResticError extends Error {
  override readonly name = 'ResticError';
  readonly kind: FailureKind;

  constructor(kind: FailureKind, message: string) {
    super(message);
    this.kind = kind;
  }
}

/** Says what a failure means and what to do. The agent's client can act on some of them. */
export const resticError = (
  kind: FailureKind,
  words: string,
  { repository, passwordFile, localDir, cacheDir, user }: ResticSettings,
): Error => {
  const fail = (message: string): ResticError => new ResticError(kind, message);
  const refuse = (refusal: 'conflict' | 'no_space', message: string): Refusal =>
    new Refusal(refusal, message, { cause: fail(words) });
  switch (kind) {
    case 'no_program':
      return fail('restic is not installed: install the package restic');
    case 'no_repository':
      return fail(
        `the backup repository ${repository} is gone or cannot be reached: mount it, or bring its server back; nothing was changed (${words})`,
      );
    case 'wrong_key':
      return fail(
        `the key in ${passwordFile} does not open the backup repository ${repository}: put the repository's own key there (${words})`,
      );
    case 'locked':
      return refuse(
        'conflict',
        `the backup repository ${repository} is in use: try again when that has ended; if its process or host is gone for good, run "restic unlock --remove-all" (${words})`,
      );
    case 'no_space':
      return refuse(
        'no_space',
        words.includes(cacheDir)
          ? `no space left in ${cacheDir}, which restic needs for a backup: make room there (${words})`
          : `no space left in the backup repository ${repository}: make room on its file system or server first: backups can be restored meanwhile, but their deletion and prune need room, too (${words})`,
      );
    case 'incomplete':
      return fail(
        `restic could not store all parts of the backup, so it is discarded, and the next one reads and stores everything: see whether the backup repository ${repository} is whole with "restic check" (${words})`,
      );
    case 'damaged':
      return fail(`the backup repository ${repository} is damaged: ${words}`);
    default:
      return fail(
        localDir !== undefined && /permission denied/.test(words)
          ? `restic may not use the backup repository ${repository}: chown -R ${user.uid}:${user.gid} ${localDir} (${words})`
          : `restic and the backup repository ${repository}: ${words}`,
      );
  }
};

/** Returns the kind of a failure of restic, `undefined` for any other. */
export const kindOfResticError = (error: unknown): FailureKind | undefined => {
  if (error instanceof ResticError) return error.kind;
  return error instanceof Error && error.cause !== undefined ? kindOfResticError(error.cause) : undefined;
};
