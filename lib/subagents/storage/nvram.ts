import { stat } from 'node:fs/promises';
import { ifExists } from '../../files/atomic-files.js';
import type { QmpClient } from '../../qmp/client.js';
import { findBlockNode } from '../shared/block-nodes.js';
import { diskNodeName } from '../shared/guest-run-dir.js';
import { asideNvramPath, NVRAM_NODE, nvramPath } from '../shared/nvram.js';
import type { DiskStore } from './disk-store.js';
import type { StoredDisk } from './stored.js';

/** The number of a guest's UEFI variables among the members of a snapshot; no disk has it. */
const NVRAM = -1;

/** The numbers of the variables that are set aside, without and with the keys of Secure Boot. */
const ASIDE = [-2, -3] as const;

export const isNvram = ({ index }: Pick<StoredDisk, 'index'>): boolean => index < 0;

/** Names a member of a snapshot in messages. */
export const memberName = (index: number): string =>
  isNvram({ index }) ? 'the UEFI variables' : `disk ${index}`;

/** The name of the block node through which a running QEMU has a member of a snapshot open. */
export const memberNode = (member: Pick<StoredDisk, 'index'>): string =>
  isNvram(member) ? NVRAM_NODE : diskNodeName(member.index);

const variablesIn = async (guest: string, index: number, source: string): Promise<StoredDisk | undefined> => {
  if (!(await ifExists(stat(source)))) return undefined;
  const volume = `guests/${guest}/nvram`;
  return { index, bus: '', device: '', image: '', requested: 0, size: 0, volume, source };
};

/** Finds a guest's UEFI variables, a qcow2 file in every back end; `undefined` for a guest without. */
export const findNvram = (
  store: Pick<DiskStore, 'guestDir'>,
  guest: string,
): Promise<StoredDisk | undefined> => variablesIn(guest, NVRAM, nvramPath(store.guestDir(guest)));

/** Finds the variables that are set aside, which have snapshots of the time when they were in use. */
export const findAside = async (store: Pick<DiskStore, 'guestDir'>, guest: string): Promise<StoredDisk[]> => {
  const dir = store.guestDir(guest);
  const [plain, secure] = ASIDE;
  const found = await Promise.all([
    variablesIn(guest, plain, asideNvramPath(dir, false)),
    variablesIn(guest, secure, asideNvramPath(dir, true)),
  ]);
  return found.flatMap((nvram) => nvram ?? []);
};

/** Lists what a snapshot of a whole guest may consist of: its disks and its UEFI variables. */
export const findMembers = async (
  store: Pick<DiskStore, 'guestDir' | 'findDisks'>,
  guest: string,
): Promise<StoredDisk[]> => {
  const disks = (await store.findDisks(guest)) ?? [];
  const nvram = await findNvram(store, guest);
  return [...disks, ...(nvram ? [nvram] : []), ...(await findAside(store, guest))];
};

/** Whether a running QEMU has a member open. It has no variables that are set aside, and none of a guest with BIOS. */
export const isOpenIn = async (live: QmpClient, member: StoredDisk): Promise<boolean> => {
  if (ASIDE.some((index) => index === member.index)) return false;
  return (await findBlockNode(live, memberNode(member))) !== undefined;
};
