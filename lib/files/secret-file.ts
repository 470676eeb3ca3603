import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { errorMessage } from '../errors.js';

const MIN_LENGTH = 16;
const MAX_BYTES = 4096;
/** What may be in a header, without blanks. */
const SECRET = new RegExp(`^[\\x21-\\x7e]{${MIN_LENGTH},}$`);
const FOR_OTHERS = 0o077;

const read = async (path: string): Promise<string> => {
  // O_NONBLOCK: opening a named pipe must not hang.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = await file.stat();
    const { mode, uid, size } = stats;
    if (!stats.isFile()) throw new Error('is not a regular file');
    if (mode & FOR_OTHERS) throw new Error(`can be read by others than its owner: chmod 600 ${path}`);
    if (uid !== 0 && uid !== process.getuid?.()) throw new Error('belongs to another user: chown it');
    if (size > MAX_BYTES) throw new Error(`has more than ${MAX_BYTES} bytes`);
    return (await file.readFile('utf8')).trim();
  } finally {
    await file.close();
  }
};

/**
 * The secret that a file has: one line that only the file's owner can read.
 * @throws with what is wrong with the file, and never with what is in it
 */
export const readSecretFile = async (path: string): Promise<string> => {
  const secret = await read(path).catch((error: unknown) => {
    throw new Error(`the secret file ${path} cannot be used: ${errorMessage(error)}`);
  });
  if (!SECRET.test(secret))
    throw new Error(
      `the secret file ${path} must have one line of at least ${MIN_LENGTH} ASCII characters without blanks: openssl rand -hex 32 > ${path}`,
    );
  return secret;
};
