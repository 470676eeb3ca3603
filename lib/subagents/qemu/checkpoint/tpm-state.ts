import { cp, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ifExists, moveIntoPlace, sync } from '../../../files/atomic-files.js';
import type { CheckpointFiles } from '../../shared/checkpoint-files.js';
import { tpmStateDir } from '../tpm/paths.js';

const replaceDir = async (from: string, to: string): Promise<void> => {
  if (!(await ifExists(stat(from)))) return;
  const draft = `${to}+new`;
  await rm(draft, { recursive: true, force: true });
  await cp(from, draft, { recursive: true });
  for (const name of await readdir(draft)) await sync(join(draft, name));
  await rm(to, { recursive: true, force: true });
  await moveIntoPlace(draft, to);
};

/**
 * Copies what a guest's TPM keeps, if the guest has one. It must be halted: the state of its devices has the TPM, too, but
 * swtpm does not write that to its files before the guest next changes it.
 */
export const copyTpmState = (guestDir: string, { tpm }: CheckpointFiles): Promise<void> =>
  replaceDir(tpmStateDir(guestDir), tpm);

/** Brings back what the TPM of a guest that is off kept then. */
export const restoreTpmState = (guestDir: string, { tpm }: CheckpointFiles): Promise<void> =>
  replaceDir(tpm, tpmStateDir(guestDir));
