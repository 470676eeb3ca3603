import { execa } from 'execa';
import { asUser, isRoot } from '../../../process/unprivileged.js';

/**
 * The user and group of restic while this sub-agent runs as root, unless `--restic-user` names another. It has no entry in
 * /etc/passwd, and is the same on all hosts, so that a repository on a disk can move: https://systemd.io/UIDS-GIDS, "unused",
 * below the uids of guests.
 */
const RESTIC_UID = 1_999_999_999;

/** Who restic runs as. It never has capabilities, so that it cannot read a file whose mode forbids it. */
export interface ResticUser {
  uid: number;
  gid: number;
  home: string | undefined;
  /** Options of setpriv(1). */
  privileges: string[];
}

/** Reads an entry of the user database: getent(1), passwd(5). */
const findUser = async (name: string): Promise<Pick<ResticUser, 'uid' | 'gid' | 'home'>> => {
  const { stdout, failed } = await execa('getent', ['passwd', name], { reject: false });
  const [, , uid, gid, , home] = stdout.trim().split(':');
  if (failed || uid === undefined || gid === undefined)
    throw new Error(`--restic-user ${name}: there is no such user`);
  if (Number(uid) === 0)
    throw new Error(`--restic-user ${name}: restic must not run as root; name another user, or none`);
  return { uid: Number(uid), gid: Number(gid), home };
};

/**
 * Finds the user for restic. Without root's rights that can only be the user of this process.
 * @throws when there is no such user
 */
export const resticUser = async (name: string | undefined): Promise<ResticUser> => {
  if (!isRoot()) {
    if (name !== undefined) throw new Error('--restic-user: only root can run restic as another user');
    const [uid, gid] = [process.getuid?.() ?? -1, process.getgid?.() ?? -1];
    const privileges = ['--inh-caps=-all', '--ambient-caps=-all', '--no-new-privs'];
    return { uid, gid, home: process.env.HOME, privileges };
  }
  const user =
    name === undefined ? { uid: RESTIC_UID, gid: RESTIC_UID, home: undefined } : await findUser(name);
  return { ...user, privileges: asUser(user) };
};
