import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { replaceFile } from '../files/atomic-files.js';
import { readStateFile, stateText } from '../files/state-file.js';

/** Who a host is in every fleet, in the file `fleet.json` of its agent's state. */
export interface Identity {
  id: string;
  /** The lease of the last run in etcd: until it expires, it is this host's own. */
  lease?: string;
}

const pathIn = (dbpath: string): string => join(dbpath, 'fleet.json');

export const saveIdentity = (dbpath: string, identity: Identity): Promise<void> =>
  replaceFile(pathIn(dbpath), stateText(identity));

/** Reads the identity, and chooses one the first time. @throws {AgentError} `conflict` for a file of a newer version */
export const openIdentity = async (dbpath: string): Promise<Identity> => {
  const known = await readStateFile<Identity>(pathIn(dbpath));
  if (known !== undefined) return known;
  const identity = { id: randomUUID() };
  await saveIdentity(dbpath, identity);
  return identity;
};
