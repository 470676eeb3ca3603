import { chmod, copyFile, mkdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { sync } from '../../../files/atomic-files.js';
import { NVRAM_NAME, TPM_DIR } from '../../../model/guest-export.js';
import { MB, toMb } from '../../../model/units.js';
import { failureIn, Refusal } from '../../../rpc/protocol/refusal.js';
import type { Claim } from '../../shared/disk/space.js';
import { renewGeneration } from '../../shared/generation.js';
import { convert, readCheckedInfo } from '../convert.js';
import type { DiskStore } from '../disk-store.js';
import { planDisks } from '../disks/plan.js';
import { MAX_TPM_FILE_BYTES } from '../export/tpm-files.js';
import { inspectFile } from '../images/inspect.js';
import type { CheckedFile, DiskImport, StoredDisk } from '../stored.js';
import type { ImportedGuest } from './imported-guest.js';
import type { StagedFile } from './staging.js';

/** More than the flash of any firmware, in bytes. */
const MAX_FLASH_BYTES = 64 * MB;

/** Inspects a file of an archive as one that was fetched. @throws {Refusal} that names the file */
const inspect = async (
  { name, path }: StagedFile,
  { format, mayBeEmpty, claim, signal }: Inspection,
): Promise<CheckedFile> => {
  try {
    const { dataBytes, ...file } = await inspectFile(path, format, signal, mayBeEmpty);
    await claim.require(dataBytes);
    return file;
  } catch (error) {
    throw failureIn(name.slice(0, 200), error);
  }
};

interface Inspection {
  format: CheckedFile['format'] | undefined;
  /** See `inspectFile`. */
  mayBeEmpty: boolean;
  claim: Claim;
  signal: AbortSignal;
}

/** A guest whose files are all checked. */
export interface CheckedGuest {
  disks: DiskImport[];
  nvram: CheckedFile | undefined;
  tpm: readonly StagedFile[];
}

/**
 * Checks all files of an imported guest, before anything is stored.
 * @throws {Refusal} for a damaged file, and for one that needs others or expands without end
 */
export const checkImport = async (
  { disks, nvram, tpm }: ImportedGuest,
  mayBeEmpty: boolean,
  { claim, signal }: Pick<Inspection, 'claim' | 'signal'>,
): Promise<CheckedGuest> => {
  const files: CheckedFile[] = [];
  for (const { file, format } of disks)
    files.push(await inspect(file, { format, mayBeEmpty, claim, signal }));
  const sizes = await Promise.all(files.map(async (file) => (await readCheckedInfo(file))['virtual-size']));
  const definitions = planDisks({
    id: '',
    disks: disks.map(({ bus }, index) => ({
      ...{ bus, size: toMb(sizes[index] ?? 0), device: '', image: '', volume: '', source: '' },
    })),
  });
  const flash = nvram && (await inspect(nvram, { format: 'qcow2', mayBeEmpty: false, claim, signal }));
  if (flash && (await readCheckedInfo(flash))['virtual-size'] > MAX_FLASH_BYTES)
    throw new Refusal('invalid', `${NVRAM_NAME} is too large for the variables of a firmware`);
  const large = tpm.find(({ size }) => size > MAX_TPM_FILE_BYTES);
  if (large) throw new Refusal('invalid', `${large.name} is too large for the state of a TPM`);
  return {
    disks: definitions.flatMap((definition, index) => {
      const file = files[index];
      return file ? [{ definition, file }] : [];
    }),
    nvram: flash,
    tpm,
  };
};

const writeTpm = async (dir: string, files: readonly StagedFile[]): Promise<void> => {
  const tpm = join(dir, TPM_DIR);
  await mkdir(tpm, { mode: 0o700 });
  for (const { name, path } of files) {
    const target = join(tpm, basename(name));
    await copyFile(path, target);
    await chmod(target, 0o600);
    await sync(target);
  }
  await sync(tpm);
};

/** Creates a guest's disks and its other files: all of them or none. */
export const install = (
  store: DiskStore,
  guest: string,
  { disks, nvram, tpm }: CheckedGuest,
): Promise<StoredDisk[]> =>
  store.importDisks(guest, disks, async (dir) => {
    if (nvram) {
      const path = join(dir, NVRAM_NAME);
      await convert(nvram, 'qcow2', path);
      await rm(nvram.path, { force: true });
      await sync(path);
    }
    if (tpm.length > 0) await writeTpm(dir, tpm);
    // Programs in the guest must notice that it may run twice.
    await renewGeneration(dir);
  });
