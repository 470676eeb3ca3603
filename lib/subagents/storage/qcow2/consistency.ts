import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ifExists, moveIntoPlace } from '../../../files/atomic-files.js';
import type { Consistency } from '../../../model/snapshot.js';
import type { StoredDisk } from '../disk-store.js';
import type { Layout } from './layout.js';

const FILE_NAME = 'consistency.json';

/** Consistency by `<disk>@<name>`, in a file beside a guest's disks. */
type Consistencies = Record<string, Consistency>;

const keyOf = ({ index }: StoredDisk, name: string): string => `${index}@${name}`;

const pathOf = ({ source }: StoredDisk): string => join(dirname(source), FILE_NAME);

const read = async (disk: StoredDisk): Promise<Consistencies> => {
  const text = await ifExists(readFile(pathOf(disk), 'utf8'));
  return text === undefined ? {} : (JSON.parse(text) as Consistencies);
};

/** How a disk's snapshots were taken; of one that nothing is known of, the less is believed. */
export const readConsistency = async (disk: StoredDisk): Promise<(name: string) => Consistency> => {
  const known = await read(disk);
  return (name) => known[keyOf(disk, name)] ?? 'crash';
};

/** Notes the consistency of snapshots, or, without one, forgets it. */
export const writeConsistency = async (
  { work }: Layout,
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
    const path = join(dir, FILE_NAME);
    await writeFile(path, `${JSON.stringify(after, undefined, 2)}\n`);
    await moveIntoPlace(path, pathOf(first));
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
};
