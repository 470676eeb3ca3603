import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { guestKey, type Locks } from '../../../async/keyed-locks.js';
import { type Guest, normalizeGuest } from '../../../model/guest.js';
import type { ImportRequest, ImportResponse } from '../../../rpc/protocol/import-messages.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import type { Receive } from '../../../rpc/server/upload-route.js';
import type { Space } from '../../shared/disk/space.js';
import type { DiskStore } from '../disk-store.js';
import { explainNoSpace } from '../errors.js';
import type { StoredDisk } from '../stored.js';
import type { ImportedGuest } from './imported-guest.js';
import { type CheckedGuest, checkImport, install } from './install.js';
import { readNative } from './native.js';
import { readOva } from './ova.js';
import type { PendingImports } from './pending-imports.js';
import { Staging } from './staging.js';

export interface ImportDeps {
  store: DiskStore;
  locks: Locks;
  space: Space;
  pending: PendingImports;
}

const idOf = ({ guest: own, identity }: ImportRequest, { guest }: ImportedGuest): string => {
  if (identity === 'new') return own;
  if (guest.id) return guest.id;
  throw new Refusal(
    'invalid',
    'the file names no id that the guest could keep: import it with a new identity',
  );
};

interface Installed {
  disks: StoredDisk[];
  token: string;
}

const installAs = async (
  { store, locks, pending }: ImportDeps,
  id: string,
  checked: CheckedGuest,
): Promise<Installed> =>
  locks.run(guestKey(id), async () => {
    await pending.discard(id);
    if (await store.findDisks(id))
      throw new Refusal(
        'conflict',
        `guest ${id} exists already: delete it first, or import with a new identity`,
      );
    const token = await pending.add(id);
    try {
      return { disks: await install(store, id, checked), token };
    } catch (error) {
      await pending.discard(id);
      throw error;
    }
  });

const withDisks = ({ guest }: ImportedGuest, id: string, disks: StoredDisk[]): Guest =>
  normalizeGuest({
    ...guest,
    id,
    disks: disks.map(({ bus, size }) => ({ bus, size, device: '', image: '', volume: '', source: '' })),
  });

/**
 * Receives an exported guest, and creates its disks once all of the file is there and checked. They are removed again
 * unless the agent creates the guest.
 */
export const importGuest =
  (deps: ImportDeps): Receive<ImportRequest, ImportResponse> =>
  (request, bytes: Readable, { signal }) =>
    explainNoSpace('the import', deps.store, async () => {
      const dir = await mkdtemp(join(deps.store.workDir, 'import-'));
      const claim = deps.space.claim();
      try {
        const staging = new Staging({ dir, claim, signal });
        await staging.receive(bytes);
        const imported = staging.isOva ? await readOva(staging) : await readNative(staging);
        const id = idOf(request, imported);
        const checked = await checkImport(imported, !staging.isOva, { claim, signal });
        const { disks, token } = await installAs(deps, id, checked);
        const { notes } = imported;
        const format = staging.isOva ? 'ova' : 'mistify';
        return { guest: withDisks(imported, id, disks), format, token, notes };
      } finally {
        claim.release();
        await rm(dir, { recursive: true, force: true });
      }
    });
