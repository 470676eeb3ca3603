import { readFile } from 'node:fs/promises';
import { errorMessage } from '../errors.js';
import { usageFailure } from './failure.js';

const read = async (path: string): Promise<string> => {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw usageFailure(`cannot read the environment: ${errorMessage(error)}`);
  }
};

/** Reads lines as Docker does: NAME=VALUE, without quotes; blank lines and those that begin with # count for nothing. */
const parse = (text: string, path: string): Record<string, string> => {
  const variables: Record<string, string> = {};
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.trimStart().startsWith('#')) continue;
    const at = line.indexOf('=');
    // Without the line, which may be secret.
    if (at < 1) throw usageFailure(`${path}: line ${index + 1} is not NAME=VALUE`);
    variables[line.slice(0, at).trim()] = line.slice(at + 1);
  }
  return variables;
};

/**
 * Reads files of environment variables; a later one counts more.
 * @throws {Failure} for a file that cannot be read, or a line that is no variable
 */
export const readEnvFiles = async (paths: readonly string[]): Promise<Record<string, string>> => {
  const files = await Promise.all(paths.map(async (path) => parse(await read(path), path)));
  return Object.assign({}, ...files) as Record<string, string>;
};
