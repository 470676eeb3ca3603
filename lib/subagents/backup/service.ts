import { chmod, chown, mkdir, readdir, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { Locks } from '../../async/keyed-locks.js';
import { ifExists } from '../../files/atomic-files.js';
import { lockDirectory } from '../../files/directory-lock.js';
import { exists } from '../../files/exists.js';
import { requireKnownFile } from '../../files/state-file.js';
import type { Logger } from '../../log.js';
import { MB } from '../../model/units.js';
import { Problems } from '../../rpc/server/problems.js';
import { Programs } from '../../rpc/server/programs.js';
import { SubAgent } from '../../rpc/server/sub-agent.js';
import type { Running } from '../shared/run.js';
import { treesDir } from './base-tree.js';
import { Catalog } from './catalog.js';
import type { BackupDeps } from './deps.js';
import { PROBE } from './guards.js';
import { GuestStates } from './guest-state.js';
import { checkHealth, resticVersion } from './health.js';
import { makeKey } from './key.js';
import { DAMAGE_FILE, KnownDamage } from './known-damage.js';
import { addBackupMethods } from './methods.js';
import { BackupRecords } from './records.js';
import { REPOSITORY_FILE, Repository } from './restic/repository.js';
import { type ResticOptions, resticSettings } from './restic/settings.js';
import type { ResticUser } from './restic/user.js';
import { Runs } from './runs.js';
import { Sweeper } from './sweeper.js';
import { addVolumeMethods } from './volumes/methods.js';

export interface BackupOptions extends ResticOptions {
  /** MB of changed parts of disks that a backup keeps in `dir` at a time. */
  scratch: number;
  /** The name of this host in backups; by default that of the system. */
  host?: string;
}

const STATE_DIRS = ['guests', 'runs', 'backups'];

/** @throws {AgentError} `conflict` when a newer version of the agent wrote one of the files */
const requireKnownFiles = async (dir: string): Promise<void> => {
  for (const name of [REPOSITORY_FILE, DAMAGE_FILE]) await requireKnownFile(join(dir, name));
  for (const name of STATE_DIRS)
    for (const file of (await ifExists(readdir(join(dir, name)))) ?? [])
      await requireKnownFile(join(dir, name, file));
};

/** Makes the directories that restic's user needs. */
const makeDirectories = async (dir: string, { uid, gid }: ResticUser): Promise<void> => {
  const own = process.getuid?.() ?? 0;
  for (const [path, owner, mode] of [
    [join(dir, 'cache'), uid, 0o700],
    [treesDir(dir), own, 0o2750],
  ] as const) {
    await mkdir(path, { recursive: true, mode: 0o700 });
    await chown(path, owner, gid);
    await chmod(path, mode);
  }
  const probe = join(treesDir(dir), PROBE);
  if (!(await exists(probe))) await writeFile(probe, 'Nobody may read this file.\n', { mode: 0o600 });
  await chmod(probe, 0);
};

/** Notes the version of restic on a host that has backups; no other one needs restic. */
const noteVersion = async (repository: Repository, programs: Programs): Promise<void> => {
  const version = (await repository.isInUse()) ? await resticVersion() : undefined;
  if (version !== undefined) programs.replace([{ name: 'restic', version }]);
};

/** Opens the state and registers the methods of `Backup` on a sub-agent that does not listen yet. */
export const startBackup = async (options: BackupOptions, log: Logger): Promise<Running> => {
  const { dir } = options;
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const lock = await lockDirectory(dir, 'backup sub-agent', '--dir');
  try {
    await requireKnownFiles(dir);
    if (options.passwordFile === undefined) await makeKey(dir);
    const settings = await resticSettings(options);
    await makeDirectories(dir, settings.user);
    const repository = new Repository(settings, dir);
    const states = new GuestStates(dir);
    await states.open();
    const runs = new Runs(dir, states);
    await runs.open();
    const records = new BackupRecords(dir);
    await records.open();
    const problems = new Problems();
    const sweeper = new Sweeper(repository, runs, log, problems);
    const programs = new Programs();
    void noteVersion(repository, programs);
    const subAgent = new SubAgent({
      ...{ name: 'backup', log, problems, programs },
      check: () => checkHealth(repository),
    });
    const deps: BackupDeps = {
      ...{ dir, repository, states, runs, records, sweeper },
      damage: new KnownDamage(dir),
      catalog: new Catalog(repository, runs, records),
      locks: new Locks(),
      host: options.host ?? hostname(),
      maxScratchBytes: options.scratch * MB,
    };
    addBackupMethods(subAgent, deps);
    addVolumeMethods(subAgent, deps);
    sweeper.start(true);
    const close = async (): Promise<void> => {
      sweeper.close();
      await lock.release();
    };
    return { subAgent, close };
  } catch (error) {
    await lock.release();
    throw error;
  }
};
