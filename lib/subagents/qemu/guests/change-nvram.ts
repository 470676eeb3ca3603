import { exchangeNvram } from '../firmware/exchange-nvram.js';
import type { MachineIdentity } from '../machine/identity.js';
import type { Entry } from './entry.js';
import { guestDirs } from './guest-dirs.js';
import type { Host } from './launch.js';

/**
 * Prepares the files of a guest that is off for other hardware: its UEFI variables change with Secure Boot. Call it before
 * the guest's record changes, which completes the change.
 */
export const changeNvram = async (
  { layout }: Pick<Host, 'layout'>,
  { id, paths, record }: Entry,
  { secureBoot: to = false }: Pick<MachineIdentity, 'secureBoot'>,
): Promise<void> => {
  const from = record.machine?.secureBoot ?? false;
  if (from === to) return;
  const { disks } = record.definition;
  const dirs = await guestDirs({ id, disks, diskDirs: layout.diskDirs, stateDir: paths.stateDir });
  await exchangeNvram(dirs, from, to);
};
