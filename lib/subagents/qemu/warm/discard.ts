import { rm } from 'node:fs/promises';
import type { Entry } from '../guests/entry.js';
import type { Host } from '../guests/launch.js';
import { warmFiles } from './record.js';

/**
 * Discards the memory of a template: its disks are about to change, or it is no longer wanted. Clones that run keep what they
 * have mapped; those that have not started yet will boot.
 */
export const discardWarm = async ({ sharedRam }: Pick<Host, 'sharedRam'>, entry: Entry): Promise<void> => {
  // On a full disk, the record can only be written once there is room.
  await rm(warmFiles(entry.paths).dir, { recursive: true, force: true });
  if (entry.record.warm) await entry.update({ warm: undefined });
  // Last, because a start that finds the record before it is changed may make a copy meanwhile.
  await sharedRam.release(entry.id);
};
