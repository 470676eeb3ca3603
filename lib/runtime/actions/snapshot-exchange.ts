import { AgentError } from '../../errors.js';
import { diskNumber, findDisk, listDisks, uncertainDisk } from '../../model/disks.js';
import type { Guest } from '../../model/guest.js';
import { type Snapshot, snapshotId } from '../../model/snapshot.js';
import {
  type SnapshotRequest,
  type SnapshotResponse,
  snapshotResponseSchema,
} from '../../rpc/protocol/snapshot-messages.js';
import { type Exchange, requireShape } from '../pipeline/pipeline.js';
import type { Runtime } from '../runtime.js';

/** Selects snapshots of one disk of a guest, or of all its disks, by name or all. */
export interface SnapshotSelector {
  guest: Guest;
  /** Number, serial or device name; absent for all disks. */
  disk?: string | undefined;
  /** Absent for all snapshots. */
  name?: string | undefined;
}

/**
 * Finds the disk that a path names, by its number when the path has its serial, which only our sub-agents know.
 * @throws {AgentError} `not_found` for an unknown disk, `conflict` when the guest may give that name to another disk
 */
const diskOf = ({ id, disks = [] }: Guest, wanted: string): string => {
  if (disks.length === 0) return wanted;
  const found = findDisk(id, disks, wanted);
  if (found === 'uncertain') throw new AgentError('conflict', uncertainDisk(id, disks, wanted));
  if (found === 'unknown')
    throw new AgentError('not_found', `guest ${id} has no disk ${wanted}, only ${listDisks(id, disks)}`);
  const disk = disks[found];
  return disk?.number === undefined && disk?.device === wanted
    ? wanted
    : String(diskNumber(disk ?? {}, found));
};

/** Makes the request for the snapshots that a path names. */
export const snapshotRequest = (
  { guest, disk, name }: SnapshotSelector,
  fields: Partial<Omit<SnapshotRequest, 'id' | 'recursive'>> = {},
): SnapshotRequest => {
  return {
    id: snapshotId(guest.id, disk === undefined ? undefined : diskOf(guest, disk), name),
    dest: '',
    recursive: disk === undefined,
    destroyMoreRecent: false,
    ...fields,
  };
};

/** What a request is completed with for stages that act on the guest. */
type GuestPart = { guest?: Guest };

/** An exchange that also tells what its stages have responded, whichever of them did. */
export interface SnapshotExchange extends Exchange<SnapshotRequest & GuestPart, SnapshotResponse> {
  snapshots: () => Snapshot[];
  sizes: () => SnapshotResponse['sizes'];
}

/** @param withGuest returns the guest for stages that act on it, as it is then */
export const snapshotExchange = (
  request: SnapshotRequest,
  withGuest?: () => Guest | undefined,
): SnapshotExchange => {
  const requireSnapshots = requireShape(snapshotResponseSchema);
  let found: SnapshotResponse = { snapshots: [] };
  let known: Guest | undefined;
  return {
    snapshots: () => found.snapshots,
    sizes: () => found.sizes,
    request: () => {
      // A guest that was deleted meanwhile is sent as it last was, so that a stage can end what others began.
      known = withGuest?.() ?? known;
      return { ...request, ...(known ? { guest: known } : {}) };
    },
    onResponse: async (stage, response) => {
      await requireSnapshots(stage, response);
      const { snapshots, sizes } = response;
      found = {
        snapshots: snapshots?.length ? snapshots : found.snapshots,
        ...(sizes ? { sizes } : found.sizes ? { sizes: found.sizes } : {}),
      };
    },
  };
};

/** The actions of snapshots whose stages act on the guest, too. */
const GUEST_ACTIONS: ReadonlySet<string> = new Set(['createCheckpoint', 'rollbackSnapshot']);

/** As `snapshotExchange`, for an action of a guest. */
export const exchangeFor = (
  runtime: Pick<Runtime, 'guests'>,
  action: string,
  guest: string,
  request: SnapshotRequest,
): SnapshotExchange =>
  snapshotExchange(request, GUEST_ACTIONS.has(action) ? () => runtime.guests.find(guest) : undefined);
