import { Refusal } from '../../../rpc/protocol/refusal.js';
import { findHolders } from '../holders.js';
import type { Leftover } from '../stored.js';
import { isDatasetMissing, listDatasets, zfs } from './command.js';
import { listClones } from './dependents.js';
import { describeHolds } from './holds.js';
import type { DiskKind } from './kinds.js';
import { diskIndexOf, type ZfsLayout } from './layout.js';
import type { WorkArea } from './work-area.js';

const bytesOf = async (dataset: string): Promise<number | undefined> => {
  try {
    return Number(await zfs('get', '-H', '-p', '-o', 'value', 'used', dataset));
  } catch (error) {
    if (isDatasetMissing(error)) return undefined;
    throw error;
  }
};

/** Says which clones outside a dataset build on its snapshots, or on those of its children. */
const describeClones = async (layout: ZfsLayout, dataset: string): Promise<string[]> => {
  const isOurs = (name: string): boolean => name.startsWith(`${dataset}/`) || name.startsWith(`${dataset}@`);
  const clones = (await listClones(layout)).filter((clone) => isOurs(clone.origin) && !isOurs(clone.dataset));
  return clones.map(({ dataset: clone, origin }) =>
    clone.startsWith(`${layout.work.dataset}/`)
      ? 'a download still reads it'
      : `${origin} has a clone, ${clone}: destroy that first`,
  );
};

/** Says which programs have the files of a dataset, or of its disks, open. */
const describeOpen = async (kind: DiskKind, dataset: string): Promise<string[]> => {
  const rows = await listDatasets(['name'], '-r', '-t', 'filesystem,volume', dataset);
  const datasets = rows
    .map(([name = '']) => name)
    .filter((name) => name === dataset || diskIndexOf(name) !== undefined);
  const holders = await findHolders(
    datasets.map((name) => kind.path(name)),
    { readers: true },
  );
  return datasets.flatMap((name, index) => {
    const known = holders[index] ?? [];
    return known.length > 0 ? [`${name} is open by ${known.join(' and ')}: stop that first`] : [];
  });
};

/**
 * Says what keeps a deleted dataset.
 * @param failure what the attempt to destroy it printed
 * @returns none once it is destroyed
 */
export const leftoversOf = async (
  layout: ZfsLayout,
  kind: DiskKind,
  dataset: string,
  failure: string | undefined,
): Promise<Leftover[]> => {
  const bytes = await bytesOf(dataset);
  if (bytes === undefined) return [];
  const [holds, clones, open] = await Promise.all([
    describeHolds([dataset], () => true),
    describeClones(layout, dataset),
    describeOpen(kind, dataset),
  ]);
  const reasons = [...new Set([...holds, ...clones, ...open])];
  return [
    { volume: dataset, bytes, reason: reasons.join('; ') || (failure ?? 'it cannot be destroyed yet') },
  ];
};

/** @throws {Refusal} when a deleted dataset still has the name */
export const requireFreeName = async (
  layout: ZfsLayout,
  kind: DiskKind,
  work: WorkArea,
  dataset: string,
): Promise<void> => {
  if (!(await work.isTaken(dataset))) return;
  const [left] = await leftoversOf(layout, kind, dataset, undefined);
  if (left) throw new Refusal('conflict', `${dataset} is deleted, but still there: ${left.reason}`);
};

/** Tries again to destroy deleted guests and images, and lists what remains of them. */
export const listLeftovers = async (
  layout: ZfsLayout,
  kind: DiskKind,
  work: WorkArea,
): Promise<Leftover[]> => {
  await work.sweep();
  const found = (await work.listDeleted()).map((dataset) => leftoversOf(layout, kind, dataset, undefined));
  return (await Promise.all(found)).flat();
};
