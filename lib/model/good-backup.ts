// The browser console imports this file too: keep it free of Node and of other imports.

import type { Backup } from './backup.js';

/** Whether a backup can be restored, as far as that is known. */
export const isGoodBackup = ({ problem, verified }: Pick<Backup, 'problem' | 'verified'>): boolean =>
  !problem && verified?.ok !== false;
