import type { PruneRequest, PruneResponse } from '../../rpc/protocol/backup-messages.js';
import type { CallContext } from '../../rpc/server/call-context.js';
import type { BackupDeps } from './deps.js';

/** What restic says of the room that it has freed: `total prune:  12 blobs / 3.4 MiB`. */
const FREED = /total prune:.*\/ (.+)/;

/** `Backup.Prune`: removes from the repository what no backup needs any more. Backups wait until it has ended. */
export const pruneBackups =
  ({ repository, sweeper }: BackupDeps) =>
  async (
    _: PruneRequest,
    { signal, progress }: Pick<CallContext, 'signal' | 'progress'>,
  ): Promise<PruneResponse> => {
    await repository.ensure(signal);
    progress('waiting until no backup runs');
    await sweeper.sweep();
    try {
      const [, freed] = FREED.exec(await repository.prune(signal)) ?? [];
      return freed === undefined ? {} : { message: `${freed} freed` };
    } catch (error) {
      sweeper.start(true);
      throw error;
    }
  };
