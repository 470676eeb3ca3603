/** The formats of disk images that can be fetched. */
export const IMAGE_FORMATS = ['raw', 'qcow2', 'vmdk', 'vhd', 'vhdx', 'vdi'] as const;
export type ImageFormat = (typeof IMAGE_FORMATS)[number];

/** The formats that a caller may declare: of a disk, or of a container's root file system. */
export const FETCH_FORMATS = [...IMAGE_FORMATS, 'rootfs'] as const;
export type FetchFormat = (typeof FETCH_FORMATS)[number];
