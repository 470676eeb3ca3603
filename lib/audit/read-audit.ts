import { type FileHandle, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ifExists } from '../files/atomic-files.js';
import { linesBackwards } from '../files/lines-backwards.js';
import type { AuditFilter, AuditRecord } from '../model/audit.js';

/** How far one call reads: a filter that matches little must not hold up the agent for long. */
const MAX_SCAN_BYTES = 16 * 1024 * 1024;

/** A place in the log that stays the same when its file is renamed. */
export interface AuditPosition {
  /** The inode of the file. */
  file: number;
  /** In bytes: entries before it are older. */
  offset: number;
}

export interface AuditQuery extends AuditFilter {
  /** The most entries to return. */
  limit: number;
  /** Where an earlier page ended. */
  before?: AuditPosition | undefined;
}

/** A page may have fewer entries than the limit, or none, although another one follows. */
export interface AuditPage {
  records: AuditRecord[];
  next?: AuditPosition;
}

interface OpenFile {
  handle: FileHandle;
  ino: number;
  size: number;
}

const openFile = async (path: string): Promise<OpenFile | undefined> => {
  const handle = await ifExists(open(path, 'r'));
  if (!handle) return undefined;
  const { ino, size } = await handle.stat();
  return { handle, ino, size };
};

/** Opens one file after the other, the newest first, each of them once. */
async function* files(directory: string, name: string): AsyncGenerator<OpenFile, void, undefined> {
  const current = await openFile(join(directory, name));
  if (current) yield current;
  // Listed afterwards: a file that is rotated meanwhile is known already.
  const rotated = (await readdir(directory)).filter((each) => each.endsWith(`-${name}`));
  for (const each of rotated.sort().reverse()) {
    const file = await openFile(join(directory, each));
    if (file && file.ino !== current?.ino) yield file;
    else await file?.handle.close();
  }
}

/** Parses a line; `undefined` for one that a crash or a failing disk has spoilt. */
const recordOf = (line: string): AuditRecord | undefined => {
  try {
    return JSON.parse(line) as AuditRecord;
  } catch {
    return undefined;
  }
};

const matches = (record: AuditRecord, { guest, by, action, until }: AuditFilter): boolean =>
  (guest === undefined || record.guest === guest || record.guestName === guest) &&
  (by === undefined || record.principal === by) &&
  (action === undefined || record.action === action) &&
  (until === undefined || record.time <= until);

/** Yields the lines of all files, the newest first, from a place on, with the place where each begins. */
async function* linesFrom(
  directory: string,
  name: string,
  before: AuditPosition | undefined,
): AsyncGenerator<{ text: string; place: AuditPosition }, void, undefined> {
  let isReached = before === undefined;
  for await (const { handle, ino, size } of files(directory, name)) {
    try {
      if (!isReached && ino !== before?.file) continue;
      const end = isReached ? size : Math.min(size, before?.offset ?? size);
      isReached = true;
      for await (const { text, start } of linesBackwards(handle, end))
        yield { text, place: { file: ino, offset: start } };
    } finally {
      await handle.close();
    }
  }
}

/** Reads a page of the audit log, newest first, from its current file and those that were rotated. */
export const readAudit = async (directory: string, name: string, query: AuditQuery): Promise<AuditPage> => {
  const { limit, before, since = '' } = query;
  const records: AuditRecord[] = [];
  let scanned = 0;
  for await (const { text, place } of linesFrom(directory, name, before)) {
    scanned += text.length;
    const record = recordOf(text);
    if (record && record.time < since) break;
    if (record && matches(record, query)) records.push(record);
    if (records.length === limit || scanned > MAX_SCAN_BYTES) return { records, next: place };
  }
  return { records };
};
