import { constants } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ifExists } from '../../../files/atomic-files.js';
import { TPM_DIR, TPM_FILE } from '../../../model/guest-export.js';

/** More than swtpm ever stores, in bytes. */
export const MAX_TPM_FILE_BYTES = 2 ** 20;

/** A file of the state of a guest's TPM. */
export interface TpmFile {
  /** `tpm/NAME`. */
  name: string;
  content: Buffer;
}

/** Reads a file that swtpm may have replaced by anything else: it runs as a user of its own. */
const readPlain = async (path: string): Promise<Buffer | undefined> => {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stats = await file.stat();
    if (!stats.isFile() || stats.nlink > 1 || stats.size > MAX_TPM_FILE_BYTES) return undefined;
    return await file.readFile();
  } finally {
    await file.close();
  }
};

/** Reads the state of a guest's TPM; empty for a guest without. swtpm replaces a file as a whole. */
export const readTpmFiles = async (guestDir: string): Promise<TpmFile[]> => {
  const dir = join(guestDir, TPM_DIR);
  const found: TpmFile[] = [];
  for (const each of ((await ifExists(readdir(dir))) ?? []).sort()) {
    const name = `${TPM_DIR}/${each}`;
    const content = TPM_FILE.test(name) ? await ifExists(readPlain(join(dir, each))) : undefined;
    if (content) found.push({ name, content });
  }
  return found;
};
