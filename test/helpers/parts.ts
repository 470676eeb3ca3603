import { accessSync, constants, existsSync, readFileSync, readlinkSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/**
 * A part for `missingParts` that no installation brings: process ids as the kernel's log has them. A root of `npm run test:on`
 * has its own.
 */
export const KERNEL_PIDS = 'the process ids of the kernel’s log';
/** A part for `missingParts`: a QEMU of another version than the one on the PATH. `npm run other-qemu -- trixie` unpacks one. */
export const OTHER_QEMU = 'MISTIFY_OTHER_QEMU, another QEMU';
/** A part for `needs`: UEFI firmware for guests, which Debian's package ovmf brings. */
export const OVMF = 'OVMF, UEFI firmware';
/**
 * A part for `missingParts`: a ZFS that mounts datasets. zfs-fuse 0.7.0-33 of Debian forky passes the option `big_writes`
 * of libfuse 2 to libfuse 3, which then refuses every mount.
 */
export const MOUNTING_ZFS = 'a ZFS that mounts datasets';
/** A part for `needs`: Debian's installer and ISOLINUX, a boot loader for CDs. It is a large download. */
export const DEBIAN_INSTALLER = 'Debian’s installer (npm run setup -- --systems)';
/** Where the packages of all releases of the installer put their files, each in a directory of its own. */
export const INSTALLERS = '/usr/lib/debian-installer/images';
export const ISOLINUX = '/usr/lib/ISOLINUX/isolinux.bin';
/** Parts that CI may lack. */
const OPTIONAL: readonly string[] = [KERNEL_PIDS, OTHER_QEMU, MOUNTING_ZFS];

/** PROC_PID_INIT_INO of Linux. */
const INITIAL_PID_NAMESPACE = 'pid:[4026531836]';

const FIRMWARE_DESCRIPTORS = '/usr/share/qemu/firmware';

const findProgram = (name: string): string | undefined =>
  (process.env.PATH ?? '')
    .split(delimiter)
    .map((dir) => join(dir, name))
    .find(isExecutable);

const zfsMounts = (): boolean => {
  const program = existsSync('/dev/zfs') ? undefined : findProgram('zfs-fuse');
  if (program === undefined) return true;
  const content = readFileSync(program);
  return !(content.includes('libfuse3') && content.includes('big_writes'));
};

const isPresent = (part: string): boolean => {
  if (part === KERNEL_PIDS) return readlinkSync('/proc/self/ns/pid') === INITIAL_PID_NAMESPACE;
  if (part === OTHER_QEMU) return Boolean(process.env.MISTIFY_OTHER_QEMU);
  if (part === OVMF) return existsSync(FIRMWARE_DESCRIPTORS);
  if (part === DEBIAN_INSTALLER) return existsSync(INSTALLERS) && existsSync(ISOLINUX);
  if (part === 'root') return process.getuid?.() === 0;
  if (part === MOUNTING_ZFS) return zfsMounts();
  if (part.startsWith('/')) return isExecutable(part);
  return findProgram(part) !== undefined;
};

/**
 * Lists the parts that this machine lacks.
 * @throws {Error} in CI, which installs all that can be installed
 */
export const missingParts = (...parts: string[]): string[] => {
  const missing = parts.filter((part) => !isPresent(part));
  const installable = missing.filter((part) => !OPTIONAL.includes(part));
  if (installable.length > 0 && process.env.CI)
    throw new Error(`CI must have what the tests need, but lacks ${installable.join(', ')}`);
  return missing;
};
