import { join } from 'node:path';
import type { GuestPaths } from '../layout.js';

/** The files of a guest's TPM while the guest runs. */
export interface TpmPaths {
  /** The directory that swtpm starts in and creates its socket in. */
  dir: string;
  socket: string;
  pid: string;
  started: string;
  log: string;
}

export const tpmPaths = ({ runDir, stateDir }: Pick<GuestPaths, 'runDir' | 'stateDir'>): TpmPaths => {
  const dir = join(runDir, 'tpm');
  return {
    dir,
    socket: join(dir, 'sock'),
    pid: join(runDir, 'tpm.pid'),
    started: join(runDir, 'tpm.started'),
    log: join(stateDir, 'tpm.log'),
  };
};

/** The directory of the state that a guest's TPM keeps while it is off, in a directory of the guest's files. */
export const tpmStateDir = (guestDir: string): string => join(guestDir, 'tpm');

/** The name under which a guest's TPM has a user of its own. */
export const tpmOwner = (guest: string): string => `${guest}/tpm`;
