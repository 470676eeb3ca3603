import { access, mkdir, open, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorMessage } from '../../../../errors.js';
import { ifExists } from '../../../../files/atomic-files.js';
import { ProgramError, runProgram } from '../../../../process/run-program.js';
import type { GuestPaths } from '../../layout.js';
import type { Definition } from '../definition.js';
import type { NicEntries } from '../nic-entry.js';
import { type SeedDocuments, seedDocuments } from './documents.js';

/** Programs with the same options; distributions ship different ones. */
const PROGRAMS = ['genisoimage', 'xorrisofs', 'mkisofs'];
const TIMEOUT_MS = 20_000;
/** The volume label by which cloud-init's NoCloud finds the seed. */
const LABEL = 'CIDATA';

/** Makes an ISO 9660 image of a directory with the first installed program. */
const makeIso = async (directory: string, image: string): Promise<void> => {
  const args = ['-quiet', '-output', image, '-volid', LABEL, '-joliet', '-rational-rock', directory];
  for (const program of PROGRAMS) {
    try {
      await runProgram(program, args, { timeoutMs: TIMEOUT_MS });
      return;
    } catch (error) {
      if (error instanceof ProgramError && error.isMissing) continue;
      throw new Error(`could not make the cloud-init seed: ${program}: ${errorMessage(error)}`, {
        cause: error,
      });
    }
  }
  throw new Error(
    `the guest's address, hostname or user-data need a cloud-init seed: install one of ${PROGRAMS.join(', ')} (Debian: apt install genisoimage)`,
  );
};

const writeSeed = async (documents: SeedDocuments, paths: GuestPaths): Promise<void> => {
  const work = `${paths.seed}.new`;
  await rm(work, { recursive: true, force: true });
  await mkdir(work, { mode: 0o700 });
  try {
    const draft = join(work, 'seed.iso');
    const files = join(work, 'files');
    await mkdir(files);
    for (const [name, text] of Object.entries(documents)) await writeFile(join(files, name), text);
    // Created in advance, because the program would make it readable by all; user-data may contain passwords.
    await (await open(draft, 'wx', 0o600)).close();
    await makeIso(files, draft);
    await rename(draft, paths.seed);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
};

/** Returns the path of the seed of a guest's last start; `undefined` when it had none. */
export const findSeed = async (paths: GuestPaths): Promise<string | undefined> =>
  (await ifExists(access(paths.seed).then(() => true))) ? paths.seed : undefined;

/**
 * Writes a guest's cloud-init seed, or removes an earlier one when the definition needs none.
 * @param revision and `entries`: see `seedDocuments`
 * @returns the seed's path; `undefined` without one
 */
export const prepareSeed = async (
  definition: Definition,
  paths: GuestPaths,
  revision?: number,
  entries?: NicEntries,
): Promise<string | undefined> => {
  const documents = seedDocuments(definition, revision, entries);
  if (!documents) {
    await rm(paths.seed, { force: true });
    return undefined;
  }
  await writeSeed(documents, paths);
  return paths.seed;
};
