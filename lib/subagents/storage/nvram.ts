import { stat } from 'node:fs/promises';
import { ifExists } from '../../files/atomic-files.js';
import type { QmpClient } from '../../qmp/client.js';
import { diskNodeName } from '../shared/guest-run-dir.js';
import { NVRAM_NODE, nvramPath } from '../shared/nvram.js';
import type { DiskStore, StoredDisk } from './disk-store.js';

/** The number of a guest's UEFI variables among the members of a snapshot; no disk has it. */
const NVRAM = -1;

export const isNvram = ({ index }: Pick<StoredDisk, 'index'>): boolean => index === NVRAM;

/** Names a member of a snapshot in messages. */
export const memberName = (index: number): string =>
  isNvram({ index }) ? 'the UEFI variables' : `disk ${index}`;

/** The name of the block node through which a running QEMU has a member of a snapshot open. */
export const memberNode = (member: Pick<StoredDisk, 'index'>): string =>
  isNvram(member) ? NVRAM_NODE : diskNodeName(member.index);

/** Finds a guest's UEFI variables, a qcow2 file in every back end; `undefined` for a guest without. */
export const findNvram = async (
  store: Pick<DiskStore, 'guestDir'>,
  guest: string,
): Promise<StoredDisk | undefined> => {
  const source = nvramPath(store.guestDir(guest));
  if (!(await ifExists(stat(source)))) return undefined;
  const volume = `guests/${guest}/nvram`;
  return { index: NVRAM, bus: '', device: '', image: '', requested: 0, size: 0, volume, source };
};

/** Lists what a snapshot of a whole guest consists of: its disks and its UEFI variables. */
export const findMembers = async (
  store: Pick<DiskStore, 'guestDir' | 'findDisks'>,
  guest: string,
): Promise<StoredDisk[]> => {
  const [disks = [], nvram] = [await store.findDisks(guest), await findNvram(store, guest)];
  return nvram ? [...disks, nvram] : disks;
};

/** Whether a running QEMU has a member open. It has no variables of a guest that has BIOS by now. */
export const isOpenIn = async (live: QmpClient, member: StoredDisk): Promise<boolean> => {
  const nodes = await live.execute<{ 'node-name'?: string }[]>('query-named-block-nodes', { flat: true });
  return nodes.some((node) => node['node-name'] === memberNode(member));
};
