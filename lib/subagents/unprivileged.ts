/**
 * Options of setpriv(1) that leave a program nothing but a uid and a gid of that number: no capabilities, now or ever,
 * and no supplementary groups but those given.
 */
export const asUser = (uid: number, groups: readonly number[] = []): string[] => [
  `--reuid=${uid}`,
  `--regid=${uid}`,
  groups.length ? `--groups=${groups.join(',')}` : '--clear-groups',
  '--inh-caps=-all',
  '--bounding-set=-all',
  '--no-new-privs',
];

/** Whether this process may change to other users. */
export const isRoot = (): boolean => process.getuid?.() === 0;
