import { createReadStream } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { writeSparse } from '../../../files/sparse-file.js';
import { STREAM_BUFFER_BYTES } from '../../../http/stream-buffer.js';
import type { Guest } from '../../../model/guest.js';
import type { ExportRequest } from '../../../rpc/protocol/export-messages.js';
import type { Claim } from '../../shared/disk/space.js';
import type { DiskStore } from '../disk-store.js';
import { imageFile, LONG_TIMEOUT_MS, qemuImg } from '../qemu-img.js';
import type { StoredDisk } from '../stored.js';
import { type ArchiveEntry, ArchiveSums, smallEntry } from './archive.js';
import { diskEntry } from './entries.js';
import type { Moment } from './moments.js';
import { type OvaDisk, ovfText } from './ovf-text.js';

/** The names of the files: they are also those of a directory of someone else. */
export const ovaName = ({ id, metadata }: Guest): string =>
  metadata?.name?.replace(/[^a-zA-Z0-9_.-]+/g, '-').replace(/^[.-]+/, '') || id;

/** As the manifest of an OVA lists them: DSP0243, "Manifest". It may come last. */
export const ovaSums = (): ArchiveSums => new ArchiveSums((name, sum) => `SHA256(${name})= ${sum}`);

export interface OvaOptions {
  moment: Moment;
  /** An empty directory for the converted disks. */
  dir: string;
  claim: Claim;
  signal: AbortSignal;
}

/** Writes a disk as a vmdk file, the only format that VMware and VirtualBox both import. */
const convertDisk = async (
  store: DiskStore,
  disk: StoredDisk,
  target: string,
  { moment, claim, signal }: OvaOptions,
): Promise<number> => {
  const draft = `${target}.qcow2`;
  const { size, bytes } = await diskEntry(store, disk, moment, signal, '');
  await claim.require(2 * size);
  await writeSparse(bytes, draft);
  const source = imageFile('qcow2', draft, { backing: null });
  await qemuImg(['convert', '-q', '-O', 'vmdk', '-o', 'subformat=streamOptimized', source, target], {
    ...{ timeoutMs: LONG_TIMEOUT_MS, signal },
  });
  await rm(draft, { force: true });
  return (await stat(target)).size;
};

/** Lists the files of an OVA. All disks are converted before the first one, because it has their sizes. */
export async function* ovaEntries(
  store: DiskStore,
  { guest }: ExportRequest,
  options: OvaOptions,
): AsyncGenerator<ArchiveEntry, void, undefined> {
  const { disks } = options.moment;
  const name = ovaName(guest);
  const files: (OvaDisk & { path: string })[] = [];
  for (const [index, disk] of disks.entries()) {
    const path = join(options.dir, `${index}.vmdk`);
    const fileSize = await convertDisk(store, disk, path, options);
    files.push({ file: `${name}-disk${index}.vmdk`, fileSize, size: await store.diskBytes(disk), path });
  }
  yield smallEntry(`${name}.ovf`, ovfText(guest, name, files));
  for (const { file, fileSize, path } of files) {
    const bytes = createReadStream(path, { highWaterMark: STREAM_BUFFER_BYTES, signal: options.signal });
    yield { name: file, size: fileSize, bytes: bytes as AsyncIterable<Buffer> };
    await rm(path, { force: true });
  }
}
