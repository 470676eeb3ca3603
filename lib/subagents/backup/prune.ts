import { errorMessage } from '../../errors.js';
import type { PruneRequest, PruneResponse } from '../../rpc/protocol/backup-messages.js';
import type { CallContext } from '../../rpc/server/call-context.js';
import { clearDamage, isDamage, withRepairAdvice } from './damage.js';
import type { BackupDeps } from './deps.js';

/** What restic says of the room that it has freed: `total prune:  12 blobs / 3.4 MiB`. */
const FREED = /total prune:.*\/ (.+)/;

/** `Backup.Prune`: removes from the repository what no backup needs any more. Backups wait until it has ended. */
export const pruneBackups =
  (deps: BackupDeps) =>
  async (
    _: PruneRequest,
    { signal, progress }: Pick<CallContext, 'signal' | 'progress'>,
  ): Promise<PruneResponse> => {
    const { repository, sweeper, damage } = deps;
    await repository.ensure(signal);
    progress('waiting until no backup runs');
    await sweeper.sweep();
    try {
      const [, freed] = FREED.exec(await repository.prune(signal, await damage.isKnown())) ?? [];
      await clearDamage(deps, signal);
      return freed === undefined ? {} : { message: `${freed} freed` };
    } catch (error) {
      sweeper.start(true);
      if (isDamage(error)) await damage.record(errorMessage(error));
      throw withRepairAdvice(error);
    }
  };
