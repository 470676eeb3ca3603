import { InFlight } from '../../async/in-flight.js';
import { folderOf } from './chunks/layout.js';
import { Tree } from './chunks/tree.js';
import type { Repository } from './restic/repository.js';
import type { SnapshotNode } from './restic/snapshots.js';

const PARALLEL = 8;

interface Found {
  disk: string;
  /** The number of a chunk, or of the folder of sums. */
  number: number;
  size: number;
  stamp: number;
}

/** Reads `GUEST/disks/DISK/FOLDER/CHUNK` or `GUEST/sums/DISK/FOLDER`. */
const PATH = /^\/[^/]+\/(?:disks\/(?<disk>[^/]+)\/\d+\/(?<chunk>\d+)|sums\/(?<ofDisk>\d+)\/(?<folder>\d+))$/;

const sumsKey = (disk: string, folder: number): string => `${disk}/${folder}`;

/**
 * Makes the tree of a guest as a snapshot has it, with placeholders for all chunks.
 * @returns `undefined` when the snapshot cannot be built upon: it lacks files, or another program made it
 */
export const rebuildTree = async (
  repository: Repository,
  { snapshot, guest, dir }: { snapshot: string; guest: string; dir: string },
  signal: AbortSignal,
): Promise<Tree | undefined> => {
  const tree = await Tree.create(dir, repository.settings.user.gid);
  const chunks: Found[] = [];
  const stamps = new Map<string, number>();
  await repository.eachNode(snapshot, signal, ({ type, path, size = 0, mtime }: SnapshotNode) => {
    const { disk, chunk, ofDisk, folder } = PATH.exec(path)?.groups ?? {};
    const stamp = Date.parse(mtime) / 1000;
    if (type !== 'file') return;
    if (disk !== undefined) chunks.push({ disk, number: Number(chunk), size, stamp });
    else if (ofDisk !== undefined) stamps.set(sumsKey(ofDisk, Number(folder)), stamp);
  });
  if (![...chunks.map(({ stamp }) => stamp), ...stamps.values()].every(Number.isInteger)) return undefined;

  await repository.dump(snapshot, `${guest}/sums`, signal, async ({ path, content }) => {
    const [disk = '', folder = ''] = path.split('/').slice(-2);
    const stamp = stamps.get(sumsKey(disk, Number(folder)));
    if (stamp !== undefined) await tree.addSums(disk, Number(folder), content.toString(), stamp);
  });
  const missing = new Set(stamps.keys());
  let count = 0;
  await InFlight.run(PARALLEL, async (flight) => {
    for (const { disk, number, size, stamp } of chunks) {
      missing.delete(sumsKey(disk, folderOf(number)));
      if ((await tree.disk(disk)).get(number)) count += 1;
      await flight.add(() => tree.addPlaceholder(disk, number, size, stamp));
    }
  });
  const { total } = await tree.finish();
  return missing.size === 0 && count === chunks.length && total === chunks.length + stamps.size
    ? tree
    : undefined;
};
