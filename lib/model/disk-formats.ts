/**
 * The formats in which the content of a disk can be downloaded: all of its bytes, a qcow2 file without holes, or all of its
 * bytes compressed with zstd.
 */
export const DISK_FORMATS = ['raw', 'qcow2', 'zstd'] as const;
export type DiskFormat = (typeof DISK_FORMATS)[number];
