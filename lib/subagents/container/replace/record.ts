import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ifExists, replaceFile } from '../../../files/atomic-files.js';
import { readStateFile, stateText } from '../../../files/state-file.js';
import { guestPath } from '../../shared/host/registry.js';

/** What a replacement of a guest's container has come to, for whoever has to finish or undo it after a kill. */
export interface Replacement {
  /** Whether the old container ran. */
  ran: boolean;
  /** Whether the new container has taken its place for good, so that the old one only has to be removed. */
  done: boolean;
}

const pathOf = (owner: string, id: string): string => join(guestPath({ dir: owner }, id), 'replacement.json');

/** @param owner the sub-agent's state directory */
export const readReplacement = (owner: string, id: string): Promise<Replacement | undefined> =>
  readStateFile<Replacement>(pathOf(owner, id));

export const writeReplacement = (owner: string, id: string, replacement: Replacement): Promise<void> =>
  replaceFile(pathOf(owner, id), stateText(replacement));

export const removeReplacement = (owner: string, id: string): Promise<void> =>
  rm(pathOf(owner, id), { force: true });

/** Lists the guests whose replacements have neither ended nor been undone. */
export const replacedGuests = async (owner: string): Promise<string[]> => {
  const ids = (await ifExists(readdir(guestPath({ dir: owner })))) ?? [];
  const found: string[] = [];
  for (const id of ids) if (await readReplacement(owner, id)) found.push(id);
  return found;
};
