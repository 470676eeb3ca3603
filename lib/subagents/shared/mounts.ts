import { readFile } from 'node:fs/promises';

/** A file system that is mounted: a line of proc_pid_mountinfo(5). */
export interface MountedFileSystem {
  /** Where it is mounted. */
  point: string;
  /** Such as `ext4`. */
  type: string;
  /** What is mounted there, such as a device or a ZFS dataset. */
  source: string;
}

/** Reads the kernel's escapes of blanks and backslashes: three octal digits. */
const decode = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));

/** `44 43 0:41 / /tank/guests rw - zfs tank/guests rw` has its point before the dash, and its type and source behind it. */
const parse = (line: string): MountedFileSystem => {
  const words = line.split(' ');
  const [type = '', source = ''] = words.slice(words.indexOf('-') + 1);
  return { point: decode(words[4] ?? ''), type, source: decode(source) };
};

/** Lists what is mounted, as this process sees it. */
export const readMounts = async (): Promise<MountedFileSystem[]> =>
  (await readFile('/proc/self/mountinfo', 'utf8')).trim().split('\n').map(parse);
