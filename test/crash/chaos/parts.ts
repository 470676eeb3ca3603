/** What a run needs; see `needs`. */
export const CHAOS_PARTS: readonly string[] = [
  'root',
  'unshare',
  'mount',
  'ip',
  'setpriv',
  'qemu-system-x86_64',
  'qemu-img',
  'qemu-io',
  'restic',
];
