import type { Command } from 'commander';
import type { MistifyClient } from '../../client/index.js';
import type { Snapshots } from '../../client/snapshots.js';
import { guestId } from '../names.js';

export interface DiskOption {
  disk?: string;
}

export const ofDisk = (command: Command): Command =>
  command.option('--disk <disk>', 'of this disk alone, by its number or its name in the guest');

export const snapshotsOf = async (
  client: MistifyClient,
  guest: string,
  { disk }: DiskOption,
): Promise<Snapshots> => client.snapshotsOf(await guestId(client, guest), disk);
