import type { GuestAction } from '../model/actions.js';
import type { ImageRequest, SnapshotRequest } from '../rpc/protocol/messages.js';

/** What a job is to do, kept with it so that a restart does not lose it. Which pipeline it takes is the job's Action. */
export type Task =
  | { kind: 'guest'; name: 'create' | GuestAction }
  | { kind: 'image'; request: ImageRequest }
  | { kind: 'snapshot'; request: SnapshotRequest };
