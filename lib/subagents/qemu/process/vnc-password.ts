import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import type { QmpClient } from '../../../qmp/client.js';
import type { GuestPaths } from '../layout.js';

/** Six bytes make eight base64 characters, the most that VNC authentication uses (RFC 6143, 7.2.2). */
const PASSWORD_BYTES = 6;

/**
 * Sets a new random password on a guest's VNC server (QMP `set_password`), which rejects every client until then, and
 * writes it to the run directory.
 */
export const setVncPassword = async (qmp: QmpClient, { vncPassword }: GuestPaths): Promise<void> => {
  const password = randomBytes(PASSWORD_BYTES).toString('base64url');
  await writeFile(vncPassword, password, { mode: 0o600, flag: 'wx' });
  await qmp.execute('set_password', { protocol: 'vnc', password });
};
