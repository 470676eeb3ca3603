import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './tools.js';

const MB = 1024 * 1024;
const SECTOR = 512;

/** Sizes and offsets in MB. The first partition boots (FAT, for syslinux), the second holds data (ext4). */
const DISK_MB = 48;
const BOOT = { start: 1, size: 31 };
const DATA = { start: 32, size: 16 };

const sectors = (mb: number): number => (mb * MB) / SECTOR;

const PARTITION_TABLE = `label: dos
start=${sectors(BOOT.start)}, size=${sectors(BOOT.size)}, type=0e, bootable
start=${sectors(DATA.start)}, size=${sectors(DATA.size)}, type=83
`;

/**
 * Memory that is added while the guest runs is put to use at once, as many distributions do by a rule of udev. The last
 * four skip work that only real machines need, half a second of an emulated CPU. The check of the timer also
 * panics or hangs newer kernels on an emulated CPU that the host stops for a moment.
 */
const KERNEL_PARAMETERS =
  'console=tty0 console=ttyS0 quiet panic=-1 memhp_default_state=online_movable nokaslr mitigations=off cryptomgr.notests no_timer_check';

const SYSLINUX_CONFIG = `DEFAULT linux
PROMPT 0
LABEL linux
  KERNEL vmlinuz
  INITRD initrd.gz
  APPEND ${KERNEL_PARAMETERS}
`;

const MASTER_BOOT_RECORD = '/usr/lib/syslinux/mbr/mbr.bin';
/** The rest of the first sector is the partition table. */
const MASTER_BOOT_RECORD_BYTES = 440;

/**
 * Makes a bootable disk image without root: it uses no mounts and no loop devices.
 * @param directory a directory for the image and temporary files
 * @returns the path of the qcow2 image
 */
export const makeDisk = async (
  kernelImage: string,
  initramfs: string,
  directory: string,
): Promise<string> => {
  const raw = join(directory, 'disk.raw');
  const config = join(directory, 'syslinux.cfg');
  await writeFile(raw, '');
  await truncate(raw, DISK_MB * MB);
  await writeFile(config, SYSLINUX_CONFIG);
  await run('sfdisk', ['-q', raw], PARTITION_TABLE);
  await run('dd', [
    `if=${MASTER_BOOT_RECORD}`,
    `of=${raw}`,
    'conv=notrunc',
    `bs=${MASTER_BOOT_RECORD_BYTES}`,
    'count=1',
    'status=none',
  ]);
  await run('mkfs.fat', ['-F', '16', '--offset', `${sectors(BOOT.start)}`, raw, `${BOOT.size * 1024}`]);
  const boot = `${raw}@@${BOOT.start}M`;
  await run('mcopy', ['-i', boot, kernelImage, '::vmlinuz']);
  await run('mcopy', ['-i', boot, initramfs, '::initrd.gz']);
  await run('mcopy', ['-i', boot, config, '::syslinux.cfg']);
  await run('syslinux', ['--install', '--offset', `${BOOT.start * MB}`, raw]);
  await run('mke2fs', ['-q', '-t', 'ext4', '-E', `offset=${DATA.start * MB}`, raw, `${DATA.size * 1024}k`]);
  const image = join(directory, 'base.qcow2');
  await run('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', raw, image]);
  return image;
};
