import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { errorMessage } from '../errors.js';

const MIN_LENGTH = 16;
const MAX_SECRET_BYTES = 4096;
/** Printable ASCII without spaces: valid in an HTTP header. */
const SECRET = new RegExp(`^[\\x21-\\x7e]{${MIN_LENGTH},}$`);
const GROUP_AND_OTHERS = 0o077;

/**
 * Reads a file that its owner alone can read, without the blanks around its content.
 * @throws {Error} saying what is wrong with the file, never quoting its content
 */
export const readPrivateFile = async (path: string, maxBytes: number): Promise<string> => {
  // O_NONBLOCK: opening a named pipe must not hang.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = await file.stat();
    const { mode, uid, size } = stats;
    if (!stats.isFile()) throw new Error('it is not a regular file');
    if (mode & GROUP_AND_OTHERS) throw new Error(`it can be read by others: chmod 600 ${path}`);
    if (uid !== 0 && uid !== process.getuid?.()) throw new Error('it belongs to another user: chown it');
    if (size > maxBytes) throw new Error(`it has ${size} bytes: at most ${maxBytes} are allowed`);
    return (await file.readFile('utf8')).trim();
  } finally {
    await file.close();
  }
};

/**
 * Reads a secret from a file: one line, readable by the file's owner alone.
 * @throws {Error} saying what is wrong with the file, never quoting its content
 */
export const readSecretFile = async (path: string): Promise<string> => {
  const secret = await readPrivateFile(path, MAX_SECRET_BYTES).catch((error: unknown) => {
    throw new Error(`the secret file ${path} cannot be used: ${errorMessage(error)}`);
  });
  if (!SECRET.test(secret))
    throw new Error(
      `the secret file ${path} must contain one line of at least ${MIN_LENGTH} ASCII characters without spaces: openssl rand -hex 32 > ${path}`,
    );
  return secret;
};
