import type { Command } from 'commander';
import type { MistifyClient } from '../../client/index.js';
import type { Snapshots } from '../../client/snapshots.js';
import { guestId } from '../names.js';

export interface DiskOption {
  disk?: string;
}

export const addDiskOption = (command: Command): Command =>
  command.option('--disk <disk>', 'only this disk, by number or device name (0, vda)');

export const snapshotsOf = async (
  client: MistifyClient,
  guest: string,
  { disk }: DiskOption,
): Promise<Snapshots> => client.snapshotsOf(await guestId(client, guest), disk);
