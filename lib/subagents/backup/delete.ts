import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { guestKey } from '../../async/keyed-locks.js';
import type { BackupRequest, BackupResponse } from '../../rpc/protocol/backup-messages.js';
import { type CallContext, isRepeated } from '../../rpc/server/call-context.js';
import { notFound } from '../shared/errors.js';
import { treesDir } from './base-tree.js';
import type { BackupDeps } from './deps.js';

/** The guest's next backup builds upon the latest of those that are left. */
const forgetTree = async ({ dir, states }: BackupDeps, guest: string, backup: string): Promise<void> => {
  const { last, tree: _, ...state } = await states.read(guest);
  if (last?.backup !== backup) return;
  await states.write(guest, state);
  await rm(join(treesDir(dir), guest), { recursive: true, force: true });
};

/** `Backup.Delete`. The room is free once the repository has been pruned. */
export const deleteBackup =
  (deps: BackupDeps) =>
  async (
    { backup: id }: BackupRequest,
    { signal, job }: Pick<CallContext, 'signal' | 'job'>,
  ): Promise<Partial<BackupResponse>> => {
    const { repository, catalog, records, locks } = deps;
    await repository.ensure(signal);
    const stored = await catalog.find(id, signal);
    if (!stored) {
      if (isRepeated({ job })) return {};
      throw notFound(`backup ${id}`);
    }
    const { guest } = stored.backup;
    await locks.run(guestKey(guest), async () => {
      await forgetTree(deps, guest, id);
      await repository.forget([stored.snapshot], signal);
      if (await catalog.find(id, signal)) throw new Error(`restic did not remove backup ${id}`);
      await records.remove(id);
    });
    return { backup: stored.backup };
  };
