import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import type { QmpClient } from '../../../qmp/client.js';
import type { GuestPaths } from '../layout.js';

/** Eight characters, all that VNC's authentication takes in (RFC 6143, 7.2.2). */
const PASSWORD_BYTES = 6;

/** Gives a guest's VNC server a new password, without which it lets nobody in, and keeps it beside its sockets. */
export const setVncPassword = async (qmp: QmpClient, { vncPassword }: GuestPaths): Promise<void> => {
  const password = randomBytes(PASSWORD_BYTES).toString('base64url');
  await writeFile(vncPassword, password, { mode: 0o600, flag: 'wx' });
  await qmp.execute('set_password', { protocol: 'vnc', password });
};
