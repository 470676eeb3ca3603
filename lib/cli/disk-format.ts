import { Option } from 'commander';
import { DISK_FORMATS, type DiskFormat } from '../model/disk-formats.js';

export interface DiskFormatOption {
  format?: DiskFormat;
}

/** The option of the commands that download the content of a disk. */
export const diskFormatOption = (byDefault = 'raw'): Option =>
  new Option(
    '--format <format>',
    `raw, all bytes; qcow2, its data alone; zstd, all bytes compressed (default: ${byDefault})`,
  ).choices(DISK_FORMATS);

const SUFFIXES: Readonly<Record<DiskFormat, string>> = { raw: '.raw', qcow2: '.qcow2', zstd: '.raw.zst' };

/** Returns how the name of a file in a format ends. */
export const suffixOf = (format: DiskFormat = 'raw'): string => SUFFIXES[format];
