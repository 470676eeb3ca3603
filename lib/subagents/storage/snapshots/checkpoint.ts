import type { QmpClient } from '../../../qmp/client.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import type { SnapshotRequest } from '../../../rpc/protocol/snapshot-messages.js';
import { explainNoSpace } from '../errors.js';
import { withMonitor } from '../running-guest.js';
import { withUsableNvram } from './create.js';
import type { SnapshotDeps } from './deps.js';
import { intentOf } from './journal.js';
import { adoptMemory, hasMemory, removeDraft, removeMemory } from './memory.js';
import { begun, recoverGuest } from './recover.js';
import { membersOf, type Selection } from './select.js';

/** @throws {Refusal} `conflict` when a guest is not halted by its sub-agent, so that its disks would not fit its memory */
const requireHalted = async (guest: string, live: QmpClient): Promise<void> => {
  const { status } = await live.execute<{ status: string }>('query-status');
  if (status === 'finish-migrate') return;
  throw new Refusal(
    'conflict',
    `guest ${guest} was let run before its disks were captured: take the snapshot again`,
  );
};

/**
 * Takes the disks' part of a snapshot with memory, while the guest is halted. The snapshot is there once `endCheckpoint` has
 * added the memory; until then, a recovery undoes it.
 */
export const beginCheckpoint = async (
  deps: SnapshotDeps,
  selection: Selection,
  description: string,
): Promise<void> => {
  const { store, runDir } = deps;
  const { guest, name, disks } = selection;
  const intent = { ...intentOf('create', name, membersOf(selection)), withMemory: true };
  await explainNoSpace(`snapshot ${name}`, store, () =>
    begun(deps, guest, intent, () =>
      withMonitor(runDir, guest, async (live) => {
        if (!live) throw new Refusal('conflict', `guest ${guest} is off, and has no memory`);
        await removeMemory(store, guest, name);
        const usable = await withUsableNvram(deps, selection, live);
        await requireHalted(guest, live);
        await store.createSnapshot(membersOf(usable), name, live);
        await requireHalted(guest, live);
        if (description !== '') await store.setDescription(disks, name, description);
      }),
    ),
  );
};

/**
 * Completes a snapshot with memory, or removes it if an earlier stage has failed.
 * @throws {Refusal} `conflict` when all went well, but the snapshot was undone before
 */
export const endCheckpoint = async (
  deps: SnapshotDeps,
  { guest, name }: Selection,
  outcome: SnapshotRequest['outcome'],
): Promise<void> => {
  const { store, journal } = deps;
  const intent = await journal.find(guest);
  const isOurs = intent?.withMemory === true && intent.name === name;
  if (outcome !== 'succeeded') {
    if (isOurs) await recoverGuest(deps, guest);
    await removeDraft(store, guest);
    return;
  }
  if (isOurs) {
    await adoptMemory(store, guest, name);
    await journal.clear(guest);
    return;
  }
  if (await hasMemory(store, guest, name)) return;
  throw new Refusal(
    'conflict',
    `snapshot ${name} of guest ${guest} was undone, because the storage sub-agent was restarted: take it again`,
  );
};
