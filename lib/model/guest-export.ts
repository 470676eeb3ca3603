import type { Guest } from './guest.js';
import type { Consistency } from './snapshot.js';

/** The kinds of files that a guest can be exported to: the agent's own, and an OVA for other hypervisors. */
export const EXPORT_FORMATS = ['mistify', 'ova'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** How the names of exported files end. */
export const EXPORT_SUFFIXES: Readonly<Record<ExportFormat, string>> = { mistify: '.tar.zst', ova: '.ova' };

/** The header of an export's response that says what the file lacks, percent-encoded. */
export const LEFT_OUT_HEADER = 'X-Left-Out';

/** The first entry of an exported file, and the last one: the sums of all others, as sha256sum(1) writes them. */
export const MANIFEST_NAME = 'mistify-export.json';
export const SUMS_NAME = 'SHA256SUMS';

/** The format of exported files; a later one has a higher version. */
export const EXPORT_FORMAT = 'mistify-guest-export';
export const EXPORT_VERSION = 1;

/** A disk in an exported file. */
export interface ExportedDisk {
  /** The name of its qcow2 file in the archive. */
  file: string;
  /** Its number in the guest. */
  number: number;
  bus: string;
  /** Bytes of the disk. */
  size: number;
}

/** What an exported file says about itself and its guest. */
export interface ExportManifest {
  format: typeof EXPORT_FORMAT;
  version: typeof EXPORT_VERSION;
  /** When the guest's disks were captured, as in RFC 3339. */
  created: string;
  consistency: Consistency;
  /** The guest without what only one host can know. */
  guest: Guest;
  /** What of the guest the file lacks, in words. */
  leftOut: string[];
  disks: ExportedDisk[];
  /** The names of the small files beside the disks: UEFI variables and the state of the TPM. */
  files: string[];
}

export const exportManifest = (content: Omit<ExportManifest, 'format' | 'version'>): ExportManifest => ({
  format: EXPORT_FORMAT,
  version: EXPORT_VERSION,
  ...content,
});

export const NVRAM_NAME = 'nvram.qcow2';
/** The directory of the state of the TPM in an archive. */
export const TPM_DIR = 'tpm';
/** The name of a file of the TPM's state. */
export const TPM_FILE = /^tpm\/[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,63}$/;

export const exportedDiskName = (number: number): string => `disk-${number}.qcow2`;
