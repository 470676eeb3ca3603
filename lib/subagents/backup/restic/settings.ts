import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { errorMessage } from '../../../errors.js';
import { readSecretFile } from '../../../files/secret-file.js';
import { isRoot } from '../../../process/unprivileged.js';
import { type ResticUser, resticUser } from './user.js';

/** The options of the sub-agent that say how to reach the repository. */
export interface ResticOptions {
  dir: string;
  /** In restic's notation; by default `repository` in `dir`. */
  repository?: string;
  /** The file of the repository's password; by default `key` in `dir`. */
  passwordFile?: string;
  /** A file of variables for restic, such as the keys of an S3 store. */
  environmentFile?: string;
  /** `KEY=VALUE` each: restic's option `-o`. */
  resticOption?: string[];
  /** A file of certificates for restic to trust. */
  cacert?: string;
  resticUser?: string;
  /** Milliseconds without progress after which restic is stopped. */
  stallMs?: number;
  /** Milliseconds to wait for another host to unlock the repository. */
  lockWaitMs?: number;
}

export interface ResticSettings {
  /** The repository in restic's notation, or the path of its directory. */
  repository: string;
  /** The directory of a local repository, which restic inherits as an open file. */
  localDir: string | undefined;
  cacheDir: string;
  passwordFile: string;
  password: string;
  environment: Record<string, string>;
  /** Arguments of each command. */
  args: string[];
  user: ResticUser;
  stallMs: number;
  lockWaitMs: number;
}

/** Longer than restic retries a request to a remote store. */
const STALL_MS = 20 * 60_000;
const LOCK_WAIT_MS = 60_000;

/** The schemes of restic's remote repositories: "Preparing a new repository" in its manual. */
const REMOTE = /^(sftp|rest|s3|swift|b2|azure|gs|rclone):/;

const VARIABLE = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/;

/** Reads lines of `NAME=VALUE`; empty ones and those that start with # are comments. */
const readEnvironment = async (path: string): Promise<Record<string, string>> => {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new Error(`--environment-file: ${errorMessage(error)}`);
  });
  const lines = text.split('\n').map((line) => line.trim());
  const entries = lines.flatMap((line, index): [string, string][] => {
    if (line === '' || line.startsWith('#')) return [];
    const [, name, value] = VARIABLE.exec(line) ?? [];
    if (name === undefined || value === undefined)
      throw new Error(`--environment-file ${path}: line ${index + 1} is not of the form NAME=VALUE`);
    return [[name, value]];
  });
  return Object.fromEntries(entries);
};

/** Reads the files that the options name. */
export const resticSettings = async (options: ResticOptions): Promise<ResticSettings> => {
  const { dir, repository = join(dir, 'repository'), passwordFile = join(dir, 'key') } = options;
  const { environmentFile, resticOption = [], cacert } = options;
  if (repository.startsWith('sftp:') && options.resticUser === undefined && isRoot())
    throw new Error(
      'a repository over SFTP needs --restic-user: ssh works for users of /etc/passwd alone, with the keys in their home',
    );
  const localDir = REMOTE.test(repository) ? undefined : resolve(repository.replace(/^local:/, ''));
  return {
    repository: localDir ?? repository,
    localDir,
    cacheDir: join(dir, 'cache'),
    passwordFile,
    password: await readSecretFile(passwordFile),
    environment: environmentFile === undefined ? {} : await readEnvironment(environmentFile),
    args: [
      ...resticOption.flatMap((option) => ['-o', option]),
      ...(cacert === undefined ? [] : ['--cacert', resolve(cacert)]),
    ],
    user: await resticUser(options.resticUser),
    stallMs: options.stallMs ?? STALL_MS,
    lockWaitMs: options.lockWaitMs ?? LOCK_WAIT_MS,
  };
};
