import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sync } from '../../../files/atomic-files.js';
import { type CloneOrigin, cloneOriginSchema } from '../../../model/clone.js';
import { type Disk, type Guest, normalizeGuest } from '../../../model/guest.js';
import type { GuestRequest, GuestResponse } from '../../../rpc/protocol/guest-messages.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import type { CallContext } from '../../../rpc/server/call-context.js';
import type { Space } from '../../shared/disk/space.js';
import { readChange } from '../../shared/read-change.js';
import type { DiskStore } from '../disk-store.js';
import { toDisk } from '../disks/common.js';
import { planDisks } from '../disks/plan.js';
import { explainNoSpace } from '../errors.js';
import { readTpmFiles } from '../export/tpm-files.js';
import { isRunning } from '../running-guest.js';
import type { DiskDefinition, StoredDisk } from '../stored.js';
import { checkSource, type HeldSource, type SourceDeps, withSource } from './source.js';

export interface CloneDeps extends SourceDeps {
  /** The room that copies share with fetches. */
  space: Space;
}

/**
 * Plans the disks of a clone, one for each of the source, whatever their images.
 * @throws {Refusal} when the source has other disks than the guest was cloned with
 */
const planClone = (guest: Guest, { disks }: HeldSource): DiskDefinition[] => {
  const wanted = (guest.disks ?? []).map((disk): Disk => ({ ...disk, image: '', device: '' }));
  if (wanted.length !== disks.length)
    throw new Refusal(
      'conflict',
      `the disks of the guest to clone have changed meanwhile: it has ${disks.length}, not ${wanted.length}: clone it again`,
    );
  return planDisks(normalizeGuest({ id: guest.id, disks: wanted }));
};

/** @throws {Refusal} `no_space` when the copies would not fit */
const requireRoom = async (
  { space, snapshots: { store } }: CloneDeps,
  { disks }: HeldSource,
  work: () => Promise<StoredDisk[]>,
): Promise<StoredDisk[]> => {
  const claim = space.claim();
  try {
    let bytes = 0;
    for (const disk of disks) bytes += await store.copyBytes(disk);
    await claim.require(bytes);
    return await work();
  } finally {
    claim.release();
  }
};

/** @throws {Refusal} while the guest runs, and changes the state of its TPM */
const requireStillTpm = async ({ snapshots }: CloneDeps, guest: string): Promise<void> => {
  if (await isRunning(snapshots.runDir, guest))
    throw new Refusal(
      'conflict',
      `guest ${guest} is running, and its TPM may change: shut it down first, or let the clone have a fresh TPM`,
    );
};

/** Copies the state of a TPM, which belongs to no snapshot. @throws {Refusal} as `requireStillTpm` */
const copyTpm = async (deps: CloneDeps, guest: string, dir: string): Promise<void> => {
  await requireStillTpm(deps, guest);
  const { store } = deps.snapshots;
  for (const { name, content } of await readTpmFiles(store.guestDir(guest))) {
    const path = join(dir, name);
    await mkdir(join(path, '..'), { recursive: true, mode: 0o700 });
    await writeFile(path, content, { mode: 0o600 });
    await sync(path);
  }
};

const sourceOf = ({ source, snapshot, linked }: CloneOrigin, store: DiskStore) => ({
  guest: source,
  snapshot,
  withoutSnapshot: linked && store.linksPresentState,
});

const noteOf = ({ source, snapshot }: CloneOrigin, { consistency, lacksNvram }: HeldSource): string => {
  const what = snapshot === undefined ? `guest ${source}` : `snapshot ${snapshot} of guest ${source}`;
  const how = consistency === 'crash' ? ', as after a power cut: no guest agent has frozen it' : '';
  const nvram = lacksNvram
    ? '; the UEFI variables are not in the snapshot: the clone begins with fresh ones'
    : '';
  return `the disks are those of ${what}${how}${nvram}`;
};

/** `ImageStore.CheckCloneGuestDisks`: what `cloneGuestDisks` would respond, as far as that is known before. */
export const checkCloneGuestDisks = async (
  deps: CloneDeps,
  request: GuestRequest,
): Promise<GuestResponse> => {
  const { guest } = request;
  const origin = readChange(request, cloneOriginSchema);
  const source = await checkSource(deps, sourceOf(origin, deps.snapshots.store));
  if (origin.tpm === 'copy') await requireStillTpm(deps, origin.source);
  const planned = planClone(guest, source).map(({ requested, ...disk }) => ({
    ...{ ...disk, size: requested, volume: '', source: '' },
  }));
  return { guest: { ...guest, disks: planned } };
};

/**
 * `ImageStore.CloneGuestDisks`: creates the disks of a guest from those of another one, which may run. A repeated call
 * finds the disks.
 */
export const cloneGuestDisks = async (
  deps: CloneDeps,
  request: GuestRequest,
  { signal }: Pick<CallContext, 'signal'>,
): Promise<GuestResponse> => {
  const { store } = deps.snapshots;
  const { guest } = request;
  const origin = readChange(request, cloneOriginSchema);
  const existing = await store.findDisks(guest.id);
  if (existing) return { guest: { ...guest, disks: existing.map(toDisk) } };
  return withSource(deps, sourceOf(origin, store), async (source) => {
    const wanted = planClone(guest, source);
    const addFiles = async (dir: string): Promise<void> => {
      if (origin.tpm === 'copy') await copyTpm(deps, origin.source, dir);
    };
    const { linked } = origin;
    const clone = () =>
      explainNoSpace(`guest ${guest.id}`, store, () =>
        store.cloneDisks(guest.id, source, wanted, { linked, addFiles, signal }),
      );
    const disks = await (linked ? clone() : requireRoom(deps, source, clone));
    return { guest: { ...guest, disks: disks.map(toDisk) }, message: noteOf(origin, source) };
  });
};
