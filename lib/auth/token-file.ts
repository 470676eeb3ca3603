import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AgentError, errorMessage, isErrno } from '../errors.js';
import { replaceFile } from '../files/atomic-files.js';
import { lockFile } from '../files/file-lock.js';
import { requireKnownFormat, STATE_FORMAT } from '../files/state-format.js';
import { describeMistakes } from '../model/describe-mistakes.js';
import { type StoredToken, storedTokensSchema, withGrants } from './tokens.js';

/** Another change takes milliseconds, but a busy host may suspend it for long. */
const WAIT_SECONDS = 30;

/** A directory of its own, and so a lock of its own: the agent may be running and hold the lock on `dbpath`. */
const directoryOf = (dbpath: string): string => join(dbpath, 'tokens');

export const tokenFileOf = (dbpath: string): string => join(directoryOf(dbpath), 'tokens.json');

interface TokenFile {
  format: number;
  tokens: StoredToken[];
}

/**
 * Reads the tokens. Returns none when the file does not exist.
 * @throws {AgentError} `storage` when the file cannot be read or is damaged
 */
export const readTokens = async (dbpath: string): Promise<StoredToken[]> => {
  const file = tokenFileOf(dbpath);
  try {
    const content = JSON.parse(await readFile(file, 'utf8')) as StoredToken[] | TokenFile;
    // Format 1 is the list alone.
    const { format, tokens } = Array.isArray(content) ? { format: 1, tokens: content } : content;
    requireKnownFormat(file, format);
    const { value, error } = storedTokensSchema.validate(format < 6 ? withGrants(tokens) : tokens);
    if (error) throw new Error(describeMistakes(error));
    return value as StoredToken[];
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return [];
    if (error instanceof AgentError) throw error;
    throw new AgentError('storage', `${file} cannot be used: ${errorMessage(error)}`);
  }
};

/** Changes the tokens under a lock. Once it resolves, the change is on disk and survives a power cut. */
export const changeTokens = async (
  dbpath: string,
  change: (tokens: StoredToken[]) => StoredToken[],
): Promise<void> => {
  await mkdir(directoryOf(dbpath), { recursive: true, mode: 0o700 });
  const lock = await lockFile(join(directoryOf(dbpath), 'lock'), WAIT_SECONDS);
  if (!lock)
    throw new AgentError('conflict', `another program has been changing the tokens for ${WAIT_SECONDS} s`);
  try {
    const changed = change(await readTokens(dbpath));
    const content: TokenFile = { format: STATE_FORMAT, tokens: changed };
    await replaceFile(tokenFileOf(dbpath), `${JSON.stringify(content, null, 2)}\n`);
  } finally {
    await lock.release();
  }
};
