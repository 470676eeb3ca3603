import type { PasswordChange, SshKeys } from '../../../model/in-guest.js';
import type { GuestAgents } from './agents.js';

/** Sets the password of a user in a guest: `guest-set-user-password`. */
export const setPassword = (
  agents: GuestAgents,
  id: string,
  { user, password, crypted = false }: PasswordChange,
  signal: AbortSignal,
): Promise<void> =>
  agents.use(
    id,
    async (run) => {
      await run('guest-set-user-password', {
        username: user,
        password: Buffer.from(password).toString('base64'),
        crypted,
      });
    },
    signal,
  );

/** Lets SSH keys log in as a user of a guest: `guest-ssh-add-authorized-keys`. May be repeated. */
export const addSshKeys = (
  agents: GuestAgents,
  id: string,
  { user, keys, replace = false }: SshKeys,
  signal: AbortSignal,
): Promise<void> =>
  agents.use(
    id,
    async (run) => {
      await run('guest-ssh-add-authorized-keys', { username: user, keys, reset: replace });
    },
    signal,
  );
