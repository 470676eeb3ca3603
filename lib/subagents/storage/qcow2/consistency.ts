import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { moveIntoPlace } from '../../../files/atomic-files.js';
import { readStateFile, stateText } from '../../../files/state-file.js';
import type { Consistency } from '../../../model/snapshot.js';
import type { StoredDisk } from '../disk-store.js';
import type { Qcow2Layout } from './layout.js';

export const CONSISTENCY_FILE = 'consistency.json';

/** A guest's `consistency.json`: consistency by `<disk number>@<snapshot name>`. */
type Consistencies = Record<string, Consistency>;

const keyOf = ({ index }: StoredDisk, name: string): string => `${index}@${name}`;

const pathOf = ({ source }: StoredDisk): string => join(dirname(source), CONSISTENCY_FILE);

const read = async (disk: StoredDisk): Promise<Consistencies> =>
  (await readStateFile<Consistencies>(pathOf(disk))) ?? {};

/** Reads how a disk's snapshots were taken. An unrecorded snapshot counts as `crash`. */
export const readConsistency = async (disk: StoredDisk): Promise<(name: string) => Consistency> => {
  const known = await read(disk);
  return (name) => known[keyOf(disk, name)] ?? 'crash';
};

/** Records the consistency of a snapshot of `disks`; without `consistency`, removes the record. */
export const writeConsistency = async (
  { work }: Qcow2Layout,
  disks: StoredDisk[],
  name: string,
  consistency?: Consistency,
): Promise<void> => {
  const [first] = disks;
  if (!first) return;
  const before = await read(first);
  const after = Object.fromEntries(
    Object.entries(before).filter(([key]) => !disks.some((disk) => keyOf(disk, name) === key)),
  );
  if (consistency) for (const disk of disks) after[keyOf(disk, name)] = consistency;
  if (!consistency && Object.keys(after).length === Object.keys(before).length) return;
  const dir = await mkdtemp(join(work, 'consistency-'));
  try {
    const path = join(dir, CONSISTENCY_FILE);
    await writeFile(path, stateText(after));
    await moveIntoPlace(path, pathOf(first));
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
};
