import { open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { changeTokens, readTokens } from '../auth/token-file.js';
import { errorMessage, isErrno } from '../errors.js';
import { ifExists, replaceFile } from '../files/atomic-files.js';
import { exists } from '../files/exists.js';
import { requireKnownFormat, STATE_FORMAT } from '../files/state-format.js';
import type { Logger } from '../log.js';
import { withContainerFields } from '../model/container/earlier-metadata.js';
import type { Guest } from '../model/guest.js';
import { readDocuments } from './nedb/document-file.js';
import { firstLineFormat, groupLine, parseJournal, withFormat } from './nedb/journal-lines.js';

/** The journals of guests, jobs, metadata and schedules. */
const JOURNALS = ['guests.db', 'jobs.db', 'metadata.db', 'schedules.db'];

const FORMAT_FILE = 'format';

const HEAD_BYTES = 4096;

/** Rewrites the files of one format in the next one. It may run again after a kill, over files of both formats. */
type Migration = (dbpath: string) => Promise<void>;

const readJournal = async (path: string): Promise<string> => (await ifExists(readFile(path, 'utf8'))) ?? '';

/** Writes the token file in this version's format. From 5 to 6: tokens have grants. */
const rewriteTokens: Migration = async (dbpath) => {
  if ((await readTokens(dbpath)).length > 0) await changeTokens(dbpath, (tokens) => tokens);
};

/** From 2 to 3: the journals and the token file get a number. */
const number: Migration = async (dbpath) => {
  const paths = JOURNALS.map((name) => join(dbpath, name));
  // Damage keeps the agent from starting: nothing may have changed by then.
  for (const path of paths) parseJournal(Buffer.from(await readJournal(path)), path);
  for (const path of paths) {
    const text = await readJournal(path);
    if (text !== '' && firstLineFormat(text) === undefined) await replaceFile(path, withFormat(text));
  }
  await rewriteTokens(dbpath);
};

/** From 4 to 5: what only a container has leaves its metadata. */
const moveContainerFields: Migration = async (dbpath) => {
  const path = join(dbpath, 'guests.db');
  const text = await readJournal(path);
  if (text === '') return;
  const { documents } = await readDocuments(path);
  const changes = documents.flatMap((document) => {
    const guest = JSON.parse(document.json) as Guest;
    const moved = withContainerFields(guest);
    return moved === guest
      ? []
      : { id: document._id, document: { ...document, json: JSON.stringify(moved) } };
  });
  // The last line may be torn.
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  if (changes.length > 0) await replaceFile(path, `${whole}${groupLine(changes)}`);
};

/** By the format that each one starts from. Formats without one have nothing to rewrite: a guest's next start adds
 * its hardware, and a sub-agent's next write the number of a file. */
const MIGRATIONS: ReadonlyMap<number, Migration> = new Map([
  [2, number],
  [4, moveContainerFields],
  [5, rewriteTokens],
]);

const readFormat = async (dbpath: string): Promise<number> => {
  const path = join(dbpath, FORMAT_FILE);
  const text = await ifExists(readFile(path, 'utf8'));
  if (text !== undefined) {
    const format = Number(text);
    requireKnownFormat(path, Number.isInteger(format) ? format : text.trim());
    return format;
  }
  const names = await readdir(dbpath);
  return JOURNALS.some((name) => names.includes(name)) ? 1 : STATE_FORMAT;
};

/** Reads the beginning of a file, with the whole first line if that has the number of a format. */
const readHead = async (path: string): Promise<string> => {
  const file = await ifExists(open(path, 'r'));
  if (!file) return '';
  try {
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(HEAD_BYTES), position: 0 });
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
};

/** @throws {AgentError} `conflict` when a file is of a newer version, whatever the directory's number is */
const requireKnownFiles = async (dbpath: string): Promise<void> => {
  for (const path of JOURNALS.map((name) => join(dbpath, name)))
    requireKnownFormat(path, firstLineFormat(await readHead(path)));
  await readTokens(dbpath);
};

/**
 * Brings a state directory to this version's format, one format after the other. Every file is replaced only once its new
 * content is synced, and the number of the directory changes last, so that a kill at any moment loses nothing.
 * @throws {AgentError} `conflict`, before anything is written, when a newer version of the agent wrote the state
 */
export const upgradeState = async (dbpath: string, log: Logger): Promise<void> => {
  const found = await readFormat(dbpath);
  await requireKnownFiles(dbpath);
  const path = join(dbpath, FORMAT_FILE);
  if (found === STATE_FORMAT && (await exists(path))) return;
  try {
    for (let format = found; format < STATE_FORMAT; format += 1) await MIGRATIONS.get(format)?.(dbpath);
    await replaceFile(path, `${STATE_FORMAT}\n`);
    if (found < STATE_FORMAT) log.info({ dbpath, from: found, to: STATE_FORMAT }, 'state upgraded');
  } catch (error) {
    // This version also reads the older formats, and a full disk must not keep the agent from starting.
    if (!isErrno(error, 'ENOSPC', 'EDQUOT', 'EROFS', 'EIO')) throw error;
    log.warn(
      { err: error, dbpath },
      `state not upgraded, trying again at the next start: ${errorMessage(error)}`,
    );
  }
};
