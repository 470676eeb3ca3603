import { open, rename, rm } from 'node:fs/promises';

const OWNER_ONLY = 0o600;

const writeOut = async (path: string, text: string): Promise<void> => {
  const file = await open(path, 'w', OWNER_ONLY);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
};

/** Writes a small file for its owner alone: the old one or the new one is there, whole, whenever the power goes. */
export const replaceFile = async (path: string, text: string): Promise<void> => {
  const draft = `${path}.new`;
  try {
    await writeOut(draft, text);
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true }).catch(() => {});
    throw error;
  }
};
