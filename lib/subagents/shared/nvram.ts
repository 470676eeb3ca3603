import { join } from 'node:path';

/**
 * The UEFI variables of a guest: a qcow2 file, so that snapshots of the guest include them. It lies beside the guest's
 * disks, with which it is deleted; the qemu sub-agent creates it.
 */
const FILE_NAME = 'nvram.qcow2';

export const nvramPath = (guestDir: string): string => join(guestDir, FILE_NAME);

/** The name of the block node through which QEMU opens it. */
export const NVRAM_NODE = 'nvram';
