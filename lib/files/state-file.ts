import { readFile } from 'node:fs/promises';
import { AgentError } from '../errors.js';
import { ifExists } from './atomic-files.js';
import { requireKnownFormat, STATE_FORMAT } from './state-format.js';

/** Formats a JSON file of a sub-agent's state, with the number of the format. */
export const stateText = (content: object): string =>
  `${JSON.stringify({ format: STATE_FORMAT, ...content }, undefined, 2)}\n`;

/**
 * Reads a JSON file that `stateText` wrote, or an earlier version, which wrote no number.
 * @returns its content without the number; `undefined` when there is no such file
 * @throws {AgentError} `conflict` when a newer version of the agent wrote it
 */
export const readStateFile = async <T extends object>(path: string): Promise<T | undefined> => {
  const text = await ifExists(readFile(path, 'utf8'));
  if (text === undefined) return undefined;
  const { format, ...content } = JSON.parse(text) as T & { format?: unknown };
  requireKnownFormat(path, format);
  return content as unknown as T;
};

/**
 * Checks that no newer version of the agent wrote a file, at a start, before anything is written. A damaged file is left to
 * those who need it.
 * @throws {AgentError} `conflict` when a newer version wrote it
 */
export const requireKnownFile = async (path: string): Promise<void> => {
  await readStateFile(path).catch((error: unknown) => {
    if (error instanceof AgentError) throw error;
  });
};
