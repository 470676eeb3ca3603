import { join } from 'node:path';

/**
 * The UEFI variables of a guest: a qcow2 file, so that snapshots of the guest include them. It lies beside the guest's
 * disks, with which it is deleted; the qemu sub-agent creates it.
 */
const FILE_NAME = 'nvram.qcow2';

export const nvramPath = (guestDir: string): string => join(guestDir, FILE_NAME);

/**
 * Where the variables with or without the keys of Secure Boot are while a guest uses the other ones. Firmware would enforce
 * Secure Boot, or not, by the variables that it finds.
 */
export const asideNvramPath = (guestDir: string, secureBoot: boolean): string =>
  join(guestDir, secureBoot ? 'nvram-secure.qcow2' : 'nvram-plain.qcow2');

/** The name of the block node through which QEMU opens it. */
export const NVRAM_NODE = 'nvram';
