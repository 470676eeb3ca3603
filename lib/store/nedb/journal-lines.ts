import { requireKnownFormat, STATE_FORMAT } from '../../files/state-format.js';
import type { Change, StoredDocument } from './document.js';

const NEWLINE = 0x0a;

/**
 * The first line of a journal that continues a NeDB file. It is no valid document, so that an older version of the
 * agent, which knows nothing of NeDB files beside the journal, refuses to start instead of missing most documents.
 */
interface Header {
  _id: string;
  /** The name of the NeDB file, in the directory of the journal. */
  continues: string;
  /** Bytes of the NeDB file, all synced; earlier versions did not write it. */
  size?: number;
  /** Absent in format 1. */
  format?: number;
}

/** Says that NeDB may have rewritten its file since, and made it shorter. Earlier versions read it as a removal. */
interface CheckpointStart {
  _id: string;
  $$deleted: true;
  checkpoint: true;
}

interface Removal {
  _id: string;
  $$deleted: true;
}

const FORMAT_ID = 'the format of this file';

/** The first line of a journal without a NeDB file. It reads as a removal of nothing. */
interface FormatLine {
  _id: typeof FORMAT_ID;
  $$deleted: true;
  format: number;
}

/** Changes that a torn line must not separate. */
interface Group {
  _id: 'several changes';
  group: (StoredDocument | Removal)[];
}

type Line = Header | CheckpointStart | FormatLine | Group | StoredDocument | Removal;

/** The content of a journal. */
export interface JournalContent {
  /** In the order they were made; a later change to a document supersedes an earlier one. */
  changes: Change[];
  /** The name of the NeDB file with everything older; `undefined` when the journal is all there is. */
  continues: string | undefined;
  /** The least size of that file, in bytes, unless it is damaged. */
  minSize: number;
}

const headerId = (continues: string): string => `the journal of ${continues}`;

export const headerLine = (continues: string, size: number): string => {
  const header: Header = { _id: headerId(continues), continues, size, format: STATE_FORMAT };
  return `${JSON.stringify(header)}\n`;
};

export const formatLine = (): string => {
  const line: FormatLine = { _id: FORMAT_ID, $$deleted: true, format: STATE_FORMAT };
  return `${JSON.stringify(line)}\n`;
};

export const checkpointLine = (continues: string): string => {
  const line: CheckpointStart = { _id: headerId(continues), $$deleted: true, checkpoint: true };
  return `${JSON.stringify(line)}\n`;
};

const entryOf = ({ id, document }: Change): StoredDocument | Removal =>
  document ?? { $$deleted: true, _id: id };

/** One line for each change. */
export const linesOf = (changes: readonly Change[]): string =>
  changes.map((change) => `${JSON.stringify(entryOf(change))}\n`).join('');

/** One line for all changes: a kill or a power cut leaves all of them, or none. */
export const groupLine = (changes: readonly Change[]): string => {
  const line: Group = { _id: 'several changes', group: changes.map(entryOf) };
  return `${JSON.stringify(line)}\n`;
};

/** @throws {Error} when a document is not JSON text, as in files of early versions of the agent */
export const requireJson = ({ _id, json }: Partial<StoredDocument>, path: string): void => {
  if (typeof json === 'string') return;
  const advice = 'start the version that wrote it, or choose another dbpath';
  throw new Error(`${path}: ${_id} has no JSON text: another version of the agent wrote it: ${advice}`);
};

const changeOf = (entry: StoredDocument | Removal, path: string): Change => {
  if ('$$deleted' in entry) return { id: entry._id, document: undefined };
  requireJson(entry, path);
  return { id: entry._id, document: entry };
};

/** Returns the line of a text; `undefined` when it is damaged. */
const tryParse = (text: string): Line | undefined => {
  try {
    const line: unknown = JSON.parse(text);
    return typeof line === 'object' && line !== null && '_id' in line ? (line as Line) : undefined;
  } catch {
    return undefined;
  }
};

/** Returns the first line of a journal, `undefined` when it is damaged or torn. */
const firstLineOf = (text: string): Partial<Header> | undefined => {
  const end = text.indexOf('\n');
  return end < 0 ? undefined : tryParse(text.slice(0, end));
};

/** Returns the number of the format that a journal's first line has; `undefined` for format 1. */
export const firstLineFormat = (text: string): number | undefined => firstLineOf(text)?.format;

/** Adds the number of the format to a journal of format 1. */
export const withFormat = (text: string): string => {
  const first = firstLineOf(text);
  if (first?.continues === undefined) return `${formatLine()}${text}`;
  return `${JSON.stringify({ ...first, format: STATE_FORMAT })}${text.slice(text.indexOf('\n'))}`;
};

const parse = (text: string, path: string, number: number): Line => {
  const line = tryParse(text);
  if (!line)
    throw new Error(
      `${path}: line ${number} is damaged: restore the file from a backup, or choose another dbpath`,
    );
  if (number === 1 && 'format' in line) requireKnownFormat(path, line.format);
  return line;
};

/**
 * Reads the lines of a journal.
 * @param path for error messages
 * @throws {Error} when a line is damaged, or another version of the agent wrote it
 */
export const parseJournal = (bytes: Buffer, path: string): JournalContent => {
  const changes: Change[] = [];
  let continues: string | undefined;
  let minSize = 0;
  let number = 0;
  let start = 0;
  for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
    number += 1;
    const line = parse(bytes.toString('utf8', start, end), path, number);
    start = end + 1;
    if ('continues' in line && number === 1) ({ continues, size: minSize = 0 } = line);
    else if ('checkpoint' in line) minSize = 0;
    else if ('group' in line) for (const entry of line.group) changes.push(changeOf(entry, path));
    else changes.push(changeOf(line as StoredDocument | Removal, path));
  }
  return { changes, continues, minSize };
};
