import { rename, stat } from 'node:fs/promises';
import { ifExists, sync } from '../../../files/atomic-files.js';
import { asideNvramPath, nvramPath } from '../../shared/nvram.js';

const exists = async (path: string): Promise<boolean> => (await ifExists(stat(path))) !== undefined;

const exchangeIn = async (dir: string, from: boolean, to: boolean): Promise<void> => {
  const inUse = nvramPath(dir);
  const [wanted, others] = [asideNvramPath(dir, to), asideNvramPath(dir, !to)];
  const isInUse = await exists(inUse);
  const isWantedAside = await exists(wanted);
  // No variables are both in use and set aside: after a crash in between, the files say more than the record.
  const isOtherInUse = !(await exists(others)) && (isWantedAside || from !== to);
  if (isInUse && isOtherInUse) await rename(inUse, others);
  if (isWantedAside && (isOtherInUse || !isInUse)) await rename(wanted, inUse);
  await ifExists(sync(dir));
};

/**
 * Puts a guest's UEFI variables with or without the keys of Secure Boot in use, and sets the other ones aside. None are in
 * use afterwards if the guest never had any of that kind: its start creates them. May be repeated.
 * @param dirs the directories of the guest's files
 * @param from whether those in use have the keys, by the guest's record
 * @param to whether those in use are to have them
 */
export const exchangeNvram = async (dirs: readonly string[], from: boolean, to: boolean): Promise<void> => {
  for (const dir of dirs) await exchangeIn(dir, from, to);
};
