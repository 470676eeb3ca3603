import { open, stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { OWNER_ONLY } from '../files/atomic-files.js';
import type { RightEntry } from '../model/audit.js';
import { AUDIT_FILE } from './audit-log.js';

/** Names the user of the host; behind sudo, the one who called it. */
const userOfHost = (): string => process.env.SUDO_USER || userInfo().username;

/**
 * Adds a change of rights to the audit log of an agent, which may be running: one write at the end of the file disturbs no
 * other.
 */
export const auditRightChange = async (
  dbpath: string,
  change: Omit<RightEntry, 'event' | 'principal'>,
): Promise<void> => {
  const entry: RightEntry = { event: 'right', principal: userOfHost(), ...change };
  const { uid, gid } = await stat(dbpath);
  const file = await open(join(dbpath, AUDIT_FILE), 'a', OWNER_ONLY);
  try {
    // The agent may run as another user than this program.
    if ((await file.stat()).uid !== uid) await file.chown(uid, gid);
    await file.appendFile(`${JSON.stringify({ time: new Date().toISOString(), ...entry })}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
};
