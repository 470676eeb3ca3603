import { readFile } from 'node:fs/promises';
import { errorMessage } from '../errors.js';
import { PUBLIC_KEY } from '../model/ssh-key.js';
import { usageFailure } from './failure.js';

/**
 * Reads the public keys of a file, one a line, as in ~/.ssh/authorized_keys.
 * @throws {Failure} for a file that cannot be read, or has a private key
 */
export const readKeyFile = async (file: string): Promise<string[]> => {
  let content: string;
  try {
    content = await readFile(file, 'utf8');
  } catch (error) {
    throw usageFailure(`cannot read the key: ${errorMessage(error)}`);
  }
  if (content.includes('PRIVATE KEY'))
    throw usageFailure(`${file} is a private key`, `Give the public one: ${file}.pub`);
  const lines = content.split(/\r?\n/).map((line) => line.trim());
  return lines.filter((line) => line !== '' && !line.startsWith('#'));
};

/**
 * Returns a public key that is written out, or those of a file.
 * @throws {Failure} for a file without a key, or with a line that is no key
 */
export const publicKeys = async (keyOrFile: string): Promise<string[]> => {
  if (PUBLIC_KEY.test(keyOrFile)) return [keyOrFile.trim()];
  const keys = await readKeyFile(keyOrFile);
  if (keys.length === 0) throw usageFailure(`${keyOrFile} has no public key`);
  const invalid = keys.findIndex((key) => !PUBLIC_KEY.test(key));
  if (invalid >= 0)
    throw usageFailure(
      `${keyOrFile}: key ${invalid + 1} is not a public key, such as the line in ~/.ssh/id_ed25519.pub`,
    );
  return keys;
};
