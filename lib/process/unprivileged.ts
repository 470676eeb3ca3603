/** Linux's overflow uid: a user without files, for programs that are handed all they need. */
export const NOBODY = 65_534;

export interface Identity {
  uid: number;
  gid: number;
  /** Supplementary groups. */
  groups?: readonly number[];
}

/** Returns the options of setpriv(1) that run a program as a user without capabilities, and without a way to gain any. */
export const asUser = ({ uid, gid, groups = [] }: Identity): string[] => [
  `--reuid=${uid}`,
  `--regid=${gid}`,
  groups.length ? `--groups=${groups.join(',')}` : '--clear-groups',
  '--inh-caps=-all',
  '--bounding-set=-all',
  '--no-new-privs',
];

/** Checks whether this process can switch to other users. */
export const isRoot = (): boolean => process.getuid?.() === 0;
