import { errorMessage } from '../../errors.js';
import type { BackupDeps } from './deps.js';
import { DamagedError } from './read-backup.js';
import { kindOfResticError } from './restic/failure.js';
import { listVolumeBackups } from './volumes/catalog.js';

/** Returns whether a failure says that stored data is damaged, and not only that it could not be read now. */
export const isDamage = (error: unknown): boolean =>
  error instanceof DamagedError || kindOfResticError(error) === 'damaged';

/** Records a failure that says that a backup is damaged, and marks the backup in the list. Ignores other failures. */
export const recordDamage = async (
  { damage, records }: Pick<BackupDeps, 'damage' | 'records'>,
  backup: string,
  error: unknown,
): Promise<void> => {
  if (!isDamage(error)) return;
  const problem = errorMessage(error);
  await damage.record(problem);
  const record = await records.read(backup);
  const verified = { at: new Date().toISOString(), ok: false };
  await records.write(backup, { ...record, verified, problem });
};

/** Forgets the damage after a repair, unless a listed backup still has a problem. */
export const clearDamage = async (
  deps: Pick<BackupDeps, 'damage' | 'catalog' | 'repository' | 'runs' | 'records'>,
  signal: AbortSignal,
): Promise<void> => {
  const { damage, catalog } = deps;
  if (!(await damage.isKnown())) return;
  const backups = [...(await catalog.list(signal)), ...(await listVolumeBackups(deps, undefined, signal))];
  if (backups.every(({ backup }) => backup.problem === undefined)) await damage.clear();
};

/** Adds to a failure by damage how to repair the repository; returns other failures as they are. */
export const withRepairAdvice = (error: unknown): unknown =>
  isDamage(error)
    ? new Error(
        `${errorMessage(error)}; repair the repository by hand as docs/backup.md says in "Repair a damaged repository"`,
        { cause: error },
      )
    : error;
