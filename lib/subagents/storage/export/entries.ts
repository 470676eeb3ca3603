import { exportedDiskName, exportManifest, MANIFEST_NAME, NVRAM_NAME } from '../../../model/guest-export.js';
import type { ExportRequest } from '../../../rpc/protocol/export-messages.js';
import { qcow2Stream } from '../../shared/disk/qcow2-stream.js';
import type { DiskStore } from '../disk-store.js';
import type { StoredDisk } from '../stored.js';
import { type ArchiveEntry, smallEntry } from './archive.js';
import type { Moment } from './moments.js';
import { readTpmFiles } from './tpm-files.js';

/** Returns a disk at its moment as a qcow2 file. */
export const diskEntry = async (
  store: DiskStore,
  disk: StoredDisk,
  { snapshot }: Moment,
  signal: AbortSignal,
  name: string,
): Promise<ArchiveEntry> => {
  const map = await store.mapSnapshot(disk, snapshot, signal);
  async function* read(): AsyncGenerator<Buffer, void, undefined> {
    yield* (await store.readSnapshot(disk, snapshot, signal)).bytes;
  }
  return { name, ...qcow2Stream(map, read) };
};

/** Lists the files of an export in the agent's own format. A disk is mapped only once the one before is written. */
export async function* exportEntries(
  store: DiskStore,
  { guest, leftOut }: ExportRequest,
  moment: Moment,
  signal: AbortSignal,
): AsyncGenerator<ArchiveEntry, void, undefined> {
  const { disks, nvram, created, consistency } = moment;
  const tpm = await readTpmFiles(store.guestDir(guest.id));
  const sizes = await Promise.all(disks.map((disk) => store.diskBytes(disk)));
  const manifest = exportManifest({
    ...{ created, consistency, guest, leftOut },
    disks: disks.map(({ index, bus }, position) => ({
      ...{ file: exportedDiskName(index), number: index, bus, size: sizes[position] ?? 0 },
    })),
    files: [...(nvram ? [NVRAM_NAME] : []), ...tpm.map(({ name }) => name)],
  });
  yield smallEntry(MANIFEST_NAME, `${JSON.stringify(manifest, undefined, 2)}\n`);
  if (nvram) yield await diskEntry(store, nvram, moment, signal, NVRAM_NAME);
  for (const { name, content } of tpm) yield smallEntry(name, content);
  for (const disk of disks) yield await diskEntry(store, disk, moment, signal, exportedDiskName(disk.index));
}
