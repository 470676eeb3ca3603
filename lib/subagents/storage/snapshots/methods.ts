import { guestKey } from '../../../async/keyed-locks.js';
import { describeMistakes } from '../../../model/describe-mistakes.js';
import {
  describeSnapshot,
  type Snapshot,
  snapshotDescriptionSchema,
  snapshotNameSchema,
} from '../../../model/snapshot.js';
import { toMb } from '../../../model/units.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import type { SnapshotRequest, SnapshotResponse } from '../../../rpc/protocol/snapshot-messages.js';
import { type CallContext, isRepeated } from '../../../rpc/server/call-context.js';
import { notFound } from '../../shared/errors.js';
import { requireNoBackup } from '../backups/require-none.js';
import type { DiskStore } from '../disk-store.js';
import { explainNoSpace } from '../errors.js';
import { isRunning } from '../running-guest.js';
import type { StoredDisk } from '../stored.js';
import { beginCheckpoint, endCheckpoint } from './checkpoint.js';
import { prepareSnapshot } from './create.js';
import { prepareDeletion } from './delete.js';
import type { SnapshotDeps } from './deps.js';
import { disksWithSnapshot, listSnapshots } from './lookup.js';
import { memoryBytes } from './memory.js';
import { requireNoObstacles } from './obstacles.js';
import { recoverGuest } from './recover.js';
import { prepareRollback } from './rollback.js';
import { diskSnapshotId, guestOfSnapshot, type Selection, select, selectNamed } from './select.js';
import { requireNotTorn } from './torn.js';

type SnapshotMethod = (request: SnapshotRequest, call: Pick<CallContext, 'job'>) => Promise<SnapshotResponse>;

type Work = (deps: SnapshotDeps, request: SnapshotRequest, repeat: boolean) => Promise<SnapshotResponse>;

/** Checks a request, without changing anything, and returns the function that carries it out. */
type Preparation = (...input: Parameters<Work>) => Promise<() => Promise<SnapshotResponse>>;

/** Lists one disk's snapshots: all of them, or only the selected one. */
const snapshotsOf = async (
  deps: SnapshotDeps,
  disk: StoredDisk,
  { guest, name }: Selection,
): Promise<Snapshot[]> => {
  const found = (await listSnapshots(deps, guest, disk)).filter(
    (snapshot) => name === '' || snapshot.name === name,
  );
  if (found.length === 0) return [];
  const names = found.map((snapshot) => snapshot.name);
  const usedBytes = await deps.store.snapshotBytes(disk, names);
  const memory = await memoryBytes(deps.store, guest);
  return found.map(({ name: snapshot, consistency, createdAt, description }) => {
    const used = usedBytes.get(snapshot);
    const ofMemory = memory.get(snapshot);
    return {
      id: diskSnapshotId(guest, disk, snapshot),
      size: disk.size,
      consistency,
      ...(createdAt === undefined ? {} : { created: new Date(createdAt * 1000).toISOString() }),
      ...(used === undefined ? {} : { used: toMb(used) }),
      ...(description === undefined ? {} : { description }),
      ...(ofMemory === undefined ? {} : { memory: toMb(ofMemory) }),
    };
  });
};

const respond = async (deps: SnapshotDeps, selection: Selection): Promise<SnapshotResponse> => {
  const lists = await Promise.all(selection.disks.map((disk) => snapshotsOf(deps, disk, selection)));
  return { snapshots: lists.flat() };
};

const list = async (deps: SnapshotDeps, { id }: SnapshotRequest): Promise<SnapshotResponse> =>
  respond(deps, await select(deps.store, id));

/** @throws `…: not found` when none of the disks has the snapshot */
const get = async (deps: SnapshotDeps, { id }: SnapshotRequest): Promise<SnapshotResponse> => {
  const found = await respond(deps, await selectNamed(deps.store, id));
  if (found.snapshots.length === 0) throw notFound(describeSnapshot(id));
  return found;
};

/** @throws {Refusal} when the store could not keep a description */
const checkDescription = (description: string): void => {
  const { error } = snapshotDescriptionSchema.allow('').validate(description);
  if (error) throw new Refusal('invalid', describeMistakes(error));
};

const checkNew = async (store: DiskStore, selection: Selection): Promise<void> => {
  const { disks, guest, name } = selection;
  const { error } = snapshotNameSchema.validate(name);
  if (error) throw new Refusal('invalid', describeMistakes(error));
  if (disks.length === 0) throw new Refusal('conflict', `guest ${guest} has no disks to take a snapshot of`);
  const [taken] = await disksWithSnapshot(store, disks, name);
  if (taken)
    throw new Refusal(
      'conflict',
      `${describeSnapshot(diskSnapshotId(guest, taken, name))} already exists: choose another name`,
    );
};

const create: Preparation = async (deps, { id, dest, description = '' }, repeat) => {
  const { store } = deps;
  checkDescription(description);
  const selected = await select(store, id);
  const selection = { ...selected, name: dest || selected.name };
  const { disks, name } = selection;
  if (repeat && disks.length > 0 && (await disksWithSnapshot(store, disks, name)).length === disks.length) {
    return () => respond(deps, selection);
  }
  await checkNew(store, selection);
  await requireNoBackup(deps, selection.guest);
  await requireNotTorn(deps, selection.guest);
  const take = await prepareSnapshot(deps, selection, description);
  return async () => {
    await take();
    return respond(deps, selection);
  };
};

const begin: Preparation = async (deps, { id, dest, description = '' }) => {
  const { store } = deps;
  checkDescription(description);
  const selection = { ...(await select(store, id)), name: dest };
  await checkNew(store, selection);
  await requireNoBackup(deps, selection.guest);
  await requireNotTorn(deps, selection.guest);
  await requireNoObstacles(deps, { selection, action: 'create' });
  return async () => {
    await beginCheckpoint(deps, selection, description);
    return { snapshots: [] };
  };
};

const end: Work = async (deps, { id, dest, outcome }) => {
  // A guest may be deleted meanwhile.
  if (outcome !== 'succeeded' && !(await deps.store.findDisks(guestOfSnapshot(id)))) return { snapshots: [] };
  const selection = { ...(await select(deps.store, id)), name: dest };
  await endCheckpoint(deps, selection, outcome);
  return respond(deps, selection);
};

const describe: Preparation = async (deps, { id, description = '' }) => {
  const { store } = deps;
  checkDescription(description);
  const selection = await selectNamed(store, id);
  const { name } = selection;
  const disks = await disksWithSnapshot(store, selection.disks, name);
  if (disks.length === 0) throw notFound(describeSnapshot(id));
  return async () => {
    await explainNoSpace(id, store, () => store.setDescription(disks, name, description));
    return respond(deps, { ...selection, disks });
  };
};

const remove: Preparation = async (deps, request, repeat) => {
  const { store } = deps;
  const selection = await selectNamed(store, request.id);
  const { guest, name } = selection;
  if (repeat && (await disksWithSnapshot(store, selection.disks, name)).length === 0)
    return async () => ({ snapshots: [] });
  const removed = await get(deps, request);
  await requireNoBackup(deps, guest);
  await requireNotTorn(deps, guest);
  const disks = await disksWithSnapshot(store, selection.disks, name);
  const { nvram, ...others } = selection;
  const [ofNvram] = await disksWithSnapshot(store, nvram ? [nvram] : [], name);
  const aside = await disksWithSnapshot(store, selection.aside, name);
  const nvramOf = ofNvram ? { nvram: ofNvram } : {};
  const deleteAll = await prepareDeletion(deps, { ...others, disks, aside, ...nvramOf });
  return async () => {
    await explainNoSpace(request.id, store, deleteAll);
    return removed;
  };
};

const rollBack: Preparation = async (deps, request) => {
  const { store, runDir } = deps;
  const selection = await selectNamed(store, request.id);
  const { guest } = selection;
  const requireOff = async (): Promise<void> => {
    if (await isRunning(runDir, guest))
      throw new Refusal('conflict', `guest ${guest} is running: shut it down, then roll it back`);
  };
  // An earlier stage powers it off then.
  if (!request.poweroff) await requireOff();
  await requireNoBackup(deps, guest);
  const rollBackAll = await prepareRollback(deps, selection, request.destroyMoreRecent);
  return async () => {
    await requireOff();
    const notes = await explainNoSpace(request.id, store, rollBackAll);
    const rolledBack = await selectNamed(store, request.id);
    return {
      ...(await respond(deps, rolledBack)),
      sizes: rolledBack.disks.map(({ index, size }) => ({ number: index, size })),
      ...(notes.length > 0 ? { message: notes.join('; ') } : {}),
    };
  };
};

const perform =
  (prepare: Preparation): Work =>
  async (...input) => {
    const act = await prepare(...input);
    return act();
  };

/** Only checks a request, for a dry run. */
const check =
  (prepare: Preparation): Work =>
  async (...input) => {
    await prepare(...input);
    return { snapshots: [] };
  };

/** Recovers an interrupted operation on the guest before `work`. */
const afterRecovery =
  (work: Work): Work =>
  async (deps, request, repeat) => {
    await recoverGuest(deps, guestOfSnapshot(request.id));
    return work(deps, request, repeat);
  };

/** The snapshot methods of `ImageStore`. Each guest runs one of them at a time. */
export const snapshotMethods = (deps: SnapshotDeps): Record<string, SnapshotMethod> => {
  const locked =
    (work: Work): SnapshotMethod =>
    async (request, call) =>
      deps.locks.run(guestKey(guestOfSnapshot(request.id)), () => work(deps, request, isRepeated(call)));
  return {
    ListSnapshots: locked(list),
    GetSnapshot: locked(get),
    CreateSnapshot: locked(afterRecovery(perform(create))),
    CheckCreateSnapshot: locked(check(create)),
    BeginCheckpoint: locked(afterRecovery(perform(begin))),
    CheckCheckpoint: locked(check(begin)),
    EndCheckpoint: locked(end),
    DescribeSnapshot: locked(afterRecovery(perform(describe))),
    CheckDescribeSnapshot: locked(check(describe)),
    DeleteSnapshot: locked(afterRecovery(perform(remove))),
    CheckDeleteSnapshot: locked(check(remove)),
    RollbackSnapshot: locked(afterRecovery(perform(rollBack))),
    CheckRollbackSnapshot: locked(check(rollBack)),
  };
};
