import { closeSync, constants, openSync } from 'node:fs';
import { setPriority } from 'node:os';
import type { Readable } from 'node:stream';
import { execa } from 'execa';
import { readLines } from '../../../async/lines.js';
import { errorMessage, isErrno } from '../../../errors.js';
import { endingWithParent, isProgramMissing } from '../../../process/with-parent.js';
import { kindOfEnd, ResticError, resticError, wordsOf } from './failure.js';
import { sendInput } from './send-input.js';
import type { ResticSettings } from './settings.js';
import { StallWatch } from './stall.js';

/** How long restic gets to remove its lock before it is killed. */
const STOP_MS = 10_000;
const MAX_STDERR_BYTES = 256 * 1024;
const MAX_LINE_BYTES = 8 * 2 ** 20;
/** Guests and their disks come first. */
const NICENESS = 10;

/**
 * restic inherits its directories as open files: it may not enter the directories above them. The kernel follows these
 * names without looking at those: proc(5).
 */
const FIRST_FD = 4;
const CACHE = '/proc/self/fd/4';
const REPOSITORY = '/proc/self/fd/5';

export interface ResticRun {
  signal: AbortSignal;
  /** The directory that restic runs in; by default its cache. */
  cwd?: string;
  /** What restic reads as its standard input. */
  input?: Readable;
}

/** A running restic. */
export interface ResticProcess {
  stdout: Readable;
  watch: StallWatch;
  /** Waits for its end. @throws when it has failed, or was stopped */
  ended: Promise<void>;
  /** Asks it to stop, and kills it if it does not. */
  stop: () => void;
}

/** @throws when one is missing */
const openDirectories = (settings: ResticSettings): Map<string, number> => {
  const { cacheDir, localDir } = settings;
  const opened = new Map<string, number>();
  try {
    for (const dir of [cacheDir, ...(localDir === undefined ? [] : [localDir])])
      opened.set(dir, openSync(dir, constants.O_RDONLY | constants.O_DIRECTORY));
  } catch (error) {
    for (const fd of opened.values()) closeSync(fd);
    const isRepository = opened.size > 0 && isErrno(error, 'ENOENT', 'ENOTDIR');
    throw isRepository ? resticError('no_repository', errorMessage(error), settings) : error;
  }
  return opened;
};

const environmentOf = ({ password, environment, user }: ResticSettings): Record<string, string> => ({
  PATH: process.env.PATH ?? '',
  LC_ALL: 'C',
  TZ: 'UTC',
  HOME: user.home ?? CACHE,
  TMPDIR: CACHE,
  // Go takes the working directory from here, where it may not look at the directories above it.
  PWD: '/proc/self/cwd',
  RESTIC_PROGRESS_FPS: '1',
  ...environment,
  RESTIC_PASSWORD: password,
});

/** Starts restic as its own user, without capabilities, ending with this process. */
export const startRestic = (
  settings: ResticSettings,
  args: readonly string[],
  { signal, cwd = settings.cacheDir, input }: ResticRun,
): ResticProcess => {
  signal.throwIfAborted();
  const { user, repository, localDir, stallMs } = settings;
  const directories = openDirectories(settings);
  const common = [
    '-r',
    localDir === undefined ? repository : REPOSITORY,
    '--cache-dir',
    CACHE,
    ...settings.args,
  ];
  const command = endingWithParent('KILL', ['restic', ...common, ...args], { privileges: user.privileges });
  const [program, ...rest] = command;
  const child = execa(program, rest, {
    cwd,
    reject: false,
    env: environmentOf(settings),
    extendEnv: false,
    // execa accepts any descriptor, but its types stop at 9.
    stdio: [
      input ? 'pipe' : 'ignore',
      'pipe',
      'pipe',
      'ignore',
      ...[...directories.values()].map((fd) => fd as 4),
    ],
    buffer: { stdout: false, stderr: true },
    maxBuffer: MAX_STDERR_BYTES,
  });
  for (const fd of directories.values()) closeSync(fd);
  if (child.pid !== undefined) setPriority(child.pid, NICENESS);

  let killer: NodeJS.Timeout | undefined;
  let stalled = false;
  const stop = (): void => {
    child.kill('SIGINT');
    killer ??= setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  };
  const watch = new StallWatch(stallMs, () => {
    stalled = true;
    stop();
  });
  signal.addEventListener('abort', stop, { once: true });

  const sent = input && child.stdin ? sendInput(input, child.stdin, stop) : undefined;

  const names = new Map(
    [...directories.keys()].map((dir, index) => [`/proc/self/fd/${FIRST_FD + index}`, dir]),
  );
  const end = async (): Promise<void> => {
    const { failed, exitCode, signal: killedBy, stderr } = await child;
    watch.close();
    clearTimeout(killer);
    signal.removeEventListener('abort', stop);
    input?.destroy();
    const inputError = await sent;
    if (stalled)
      throw new ResticError(
        'other',
        `the backup repository ${repository} made no progress for ${stallMs / 1000} s: see whether it can be reached; restic was stopped`,
      );
    signal.throwIfAborted();
    if (inputError !== undefined) throw inputError;
    if (!failed) return;
    const kind = isProgramMissing(exitCode, stderr) ? 'no_program' : kindOfEnd({ exitCode, stderr });
    const how = killedBy === undefined ? `exited with ${exitCode}` : `was ended by ${killedBy}`;
    throw resticError(kind, wordsOf(stderr, names) || `restic ${args[0]} ${how}`, settings);
  };
  const ended = end();
  // A reader of the output may learn of the failure first.
  ended.catch(() => {});
  return { stdout: child.stdout, watch, ended, stop };
};

/** The progress in a line of restic's output: without its clock, which runs on while nothing moves. */
const stateIn = (line: string): string =>
  line.replace(/^\[[\d:]+\]|"seconds_\w+":\d+,?|"(current_files|percent_done)":[^,}]*/g, '');

/** Runs restic, and takes its output line by line. */
export const runRestic = async (
  settings: ResticSettings,
  args: readonly string[],
  { onLine, ...options }: ResticRun & { onLine?: (line: string) => void },
): Promise<void> => {
  const { stdout, watch, ended, stop } = startRestic(settings, args, options);
  try {
    for await (const line of readLines(stdout, MAX_LINE_BYTES)) {
      watch.report(stateIn(line));
      onLine?.(line);
    }
  } catch (error) {
    stop();
    await ended;
    throw error;
  }
  await ended;
};

/** As `runRestic`, and returns all output. */
export const resticOutput = async (
  settings: ResticSettings,
  args: readonly string[],
  options: ResticRun,
): Promise<string> => {
  const lines: string[] = [];
  await runRestic(settings, args, { ...options, onLine: (line) => lines.push(line) });
  return lines.join('\n');
};
