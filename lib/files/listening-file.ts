import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ifExists, replaceFile } from './atomic-files.js';

/** The addresses at which the agent of a state directory listens. */
export interface Listening {
  /** Such as `http://127.0.0.1:8080`. */
  url: string;
  /** The path of the Unix socket, if the config has one. */
  socket?: string;
}

const pathIn = (dbpath: string): string => join(dbpath, 'listening.json');

export const writeListening = (dbpath: string, listening: Listening): Promise<void> =>
  replaceFile(pathIn(dbpath), JSON.stringify(listening));

/** Returns `undefined` unless an agent with this state runs, or was killed. */
export const readListening = async (dbpath: string): Promise<Listening | undefined> => {
  const text = await ifExists(readFile(pathIn(dbpath), 'utf8'));
  return text === undefined ? undefined : (JSON.parse(text) as Listening);
};

export const removeListening = (dbpath: string): Promise<void> => rm(pathIn(dbpath), { force: true });
