import { guestKey, type Locks } from '../../../async/keyed-locks.js';
import type { Logger } from '../../../log.js';
import { type Snapshot, snapshotNameSchema } from '../../../model/snapshot.js';
import type { SnapshotRequest, SnapshotResponse } from '../../../rpc/protocol/messages.js';
import type { CallContext } from '../../../rpc/server/call-context.js';
import { notFound } from '../../shared/errors.js';
import type { DiskStore, StoredDisk } from '../disk-store.js';
import { explainNoSpace } from '../errors.js';
import type { FreezeTimeouts } from '../guest-agent/freeze.js';
import { isRunning, withMonitor } from '../running-guest.js';
import { createSnapshot } from './create.js';
import type { SnapshotsInUse } from './in-use.js';
import { intentOf, type Journal } from './journal.js';
import { rollback } from './rollback.js';
import { diskSnapshotId, guestOf, type Selection, select, selectNamed } from './select.js';
import { having, journaled, listSnapshots, settleGuest } from './settle.js';

export interface SnapshotDeps {
  store: DiskStore;
  locks: Locks;
  inUse: SnapshotsInUse;
  journal: Journal;
  /** See `MISTIFY_RUN_DIR`. */
  runDir: string;
  log: Logger;
  freezeTimeouts?: FreezeTimeouts | undefined;
}

type SnapshotMethod = (request: SnapshotRequest, call: Pick<CallContext, 'job'>) => Promise<SnapshotResponse>;

type Work = (deps: SnapshotDeps, request: SnapshotRequest, repeat: boolean) => Promise<SnapshotResponse>;

/** Whether the call is made again because nobody knows how far it came: then to find it done is no error. */
const isRepeat = ({ job }: Pick<CallContext, 'job'>): boolean => (job?.attempt ?? 1) > 1;

/** The snapshots of one disk that are asked for: all, or that of a name. */
const snapshotsOf = async (
  deps: SnapshotDeps,
  disk: StoredDisk,
  { guest, name }: Selection,
): Promise<Snapshot[]> =>
  (await listSnapshots(deps, guest, disk))
    .filter((snapshot) => name === '' || snapshot.name === name)
    .map((snapshot) => ({
      id: diskSnapshotId(guest, disk, snapshot.name),
      size: disk.size,
      consistency: snapshot.consistency,
    }));

const answer = async (deps: SnapshotDeps, selection: Selection): Promise<SnapshotResponse> => {
  const lists = await Promise.all(selection.disks.map((disk) => snapshotsOf(deps, disk, selection)));
  return { snapshots: lists.flat() };
};

const list = async (deps: SnapshotDeps, { id }: SnapshotRequest): Promise<SnapshotResponse> =>
  answer(deps, await select(deps.store, id));

/** @throws `…: not found` when there is none */
const get = async (deps: SnapshotDeps, { id }: SnapshotRequest): Promise<SnapshotResponse> => {
  const found = await answer(deps, await selectNamed(deps.store, id));
  if (found.snapshots.length === 0) throw notFound(id);
  return found;
};

const checkNew = async (store: DiskStore, selection: Selection): Promise<void> => {
  const { disks, guest, name } = selection;
  const { error } = snapshotNameSchema.validate(name);
  if (error) throw new Error(`snapshot name "${name}": ${error.message}`);
  if (disks.length === 0) throw new Error(`guest ${guest} has no disks to take a snapshot of`);
  const [taken] = await having(store, disks, name);
  if (taken) throw new Error(`${diskSnapshotId(guest, taken, name)} exists already: choose another name`);
};

const create = async (
  deps: SnapshotDeps,
  { id, dest }: SnapshotRequest,
  repeat: boolean,
): Promise<SnapshotResponse> => {
  const { store } = deps;
  const selected = await select(store, id);
  const selection = { ...selected, name: dest || selected.name };
  const { disks, name } = selection;
  if (repeat && disks.length > 0 && (await having(store, disks, name)).length === disks.length) {
    return answer(deps, selection);
  }
  await checkNew(store, selection);
  await createSnapshot(deps, selection);
  return answer(deps, selection);
};

const remove = async (
  deps: SnapshotDeps,
  request: SnapshotRequest,
  repeat: boolean,
): Promise<SnapshotResponse> => {
  const { store, inUse, runDir } = deps;
  const selection = await selectNamed(store, request.id);
  const { guest, name } = selection;
  if (repeat && (await having(store, selection.disks, name)).length === 0) return { snapshots: [] };
  const removed = await get(deps, request);
  const disks = await having(store, selection.disks, name);
  inUse.check(disks.map((disk) => diskSnapshotId(guest, disk, name)));
  await store.requireUnused(disks, [name]);
  await explainNoSpace(request.id, store.workDir, () =>
    journaled(deps, guest, intentOf('delete', name, disks), () =>
      withMonitor(runDir, guest, (live) => store.deleteSnapshot(disks, name, live)),
    ),
  );
  return removed;
};

const rollBack = async (deps: SnapshotDeps, request: SnapshotRequest): Promise<SnapshotResponse> => {
  const { store, runDir } = deps;
  const selection = await selectNamed(store, request.id);
  if (await isRunning(runDir, selection.guest))
    throw new Error(`guest ${selection.guest} is running: shut it down, then roll it back`);
  await explainNoSpace(request.id, store.workDir, () => rollback(deps, selection, request.destroyMoreRecent));
  return answer(deps, selection);
};

const onceSettled =
  (work: Work): Work =>
  async (deps, request, repeat) => {
    await settleGuest(deps, guestOf(request.id));
    return work(deps, request, repeat);
  };

/** The methods of `ImageStore` that are about snapshots. One at a time for each guest. */
export const snapshotMethods = (deps: SnapshotDeps): Record<string, SnapshotMethod> => {
  const locked =
    (work: Work): SnapshotMethod =>
    async (request, call) =>
      deps.locks.run(guestKey(guestOf(request.id)), () => work(deps, request, isRepeat(call)));
  return {
    ListSnapshots: locked(list),
    GetSnapshot: locked(get),
    CreateSnapshot: locked(onceSettled(create)),
    DeleteSnapshot: locked(onceSettled(remove)),
    RollbackSnapshot: locked(onceSettled(rollBack)),
  };
};
