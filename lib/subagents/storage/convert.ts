import type { ImageFormat } from '../../model/image-formats.js';
import { type ImageInfo, imageFile, LONG_TIMEOUT_MS, qemuImg, readOpenInfo } from './qemu-img.js';
import type { CheckedFile } from './stored.js';

/** QEMU's name for a VHD. */
const VHD_DRIVER = 'vpc';

/**
 * The options of the block driver for each format but `raw`. QEMU opens no backing file, whatever the header says.
 * `force_size_calc` keeps it from cutting off the end of most VHDs, whose size it would take from the geometry.
 */
const DRIVERS: Readonly<Record<Exclude<ImageFormat, 'raw'>, [string, Record<string, string | null>]>> = {
  qcow2: ['qcow2', { backing: null }],
  vmdk: ['vmdk', { backing: null }],
  vhd: [VHD_DRIVER, { backing: null, force_size_calc: 'current_size' }],
  vhdx: ['vhdx', { backing: null }],
  vdi: ['vdi', { backing: null }],
};

/** Names a checked file for QEMU's tools: see `imageFile`. */
export const checkedFileName = ({ path, format }: CheckedFile): string =>
  format === 'raw' ? imageFile(format, path) : imageFile(DRIVERS[format][0], path, DRIVERS[format][1]);

export const readCheckedInfo = (file: CheckedFile): Promise<ImageInfo> =>
  readOpenInfo(checkedFileName(file), { files: file.files });

/** What a conversion reports, and what ends it. */
export interface ConvertProgress {
  /** Receives how much has been converted, as a percentage. */
  onPercent?: ((percent: number) => void) | undefined;
  signal?: AbortSignal | undefined;
}

export interface ConvertOptions extends ConvertProgress {
  /** Further flags of `qemu-img convert`. */
  flags?: readonly string[];
}

/** What `qemu-img convert -p` prints again and again: `    (12.50/100%)`. */
const PERCENT = /\((\d+)\.\d+\/100%\)/g;

const readPercent = (text: string, onPercent: (percent: number) => void): void => {
  const last = [...text.matchAll(PERCENT)].at(-1)?.[1];
  if (last !== undefined) onPercent(Number(last));
};

/**
 * Converts a checked file with `qemu-img convert`. QEMU opens no other file, whatever the header says.
 * @throws also when the file has changed since it was checked
 */
export const convert = async (
  file: CheckedFile,
  to: 'qcow2' | 'raw',
  target: string,
  { flags = [], signal, onPercent }: ConvertOptions = {},
): Promise<void> => {
  const progress = onPercent ? '-p' : '-q';
  await qemuImg(['convert', progress, ...flags, '-O', to, checkedFileName(file), target], {
    ...{ timeoutMs: LONG_TIMEOUT_MS, files: file.files, signal },
    ...(onPercent ? { onOutput: (text: string) => readPercent(text, onPercent) } : {}),
  });
  await file.requireUnchanged?.();
};

/** Flags of `convert` for an existing, blank target: zeros need not be written. */
export const INTO_BLANK = ['-n', '--target-is-zero'];
