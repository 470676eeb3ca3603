/** A user without files of its own, for programs that are handed all they need: Linux's overflow uid. */
export const NOBODY = 65_534;

export interface Identity {
  uid: number;
  gid: number;
  /** Supplementary groups. */
  groups?: readonly number[];
}

/** Options of setpriv(1) that leave a program an identity and nothing else: no capabilities, now or ever. */
export const asUser = ({ uid, gid, groups = [] }: Identity): string[] => [
  `--reuid=${uid}`,
  `--regid=${gid}`,
  groups.length ? `--groups=${groups.join(',')}` : '--clear-groups',
  '--inh-caps=-all',
  '--bounding-set=-all',
  '--no-new-privs',
];

/** Whether this process may change to other users. */
export const isRoot = (): boolean => process.getuid?.() === 0;
