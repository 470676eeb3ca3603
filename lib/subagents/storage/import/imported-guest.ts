import type { Guest } from '../../../model/guest.js';
import type { ImageFormat } from '../../../model/image-formats.js';
import type { StagedFile } from './staging.js';

/** A disk of a guest in an archive. */
export interface ImportedDisk {
  file: StagedFile;
  bus: string;
  /** By its content when absent. */
  format?: ImageFormat;
}

/** A guest as an archive describes it, with its files. */
export interface ImportedGuest {
  /** An OVA has no id. */
  guest: Omit<Guest, 'id'> & { id?: string };
  /** In the order of the guest's disks. */
  disks: ImportedDisk[];
  /** The state of the TPM. */
  tpm: StagedFile[];
  /** The UEFI variables, a qcow2 file. */
  nvram?: StagedFile;
  /** What the guest loses, in words. */
  notes: string[];
}
