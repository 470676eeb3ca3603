import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { moveIntoPlace } from '../../../files/atomic-files.js';
import { readStateFile, stateText } from '../../../files/state-file.js';
import type { Consistency } from '../../../model/snapshot.js';
import type { StoredDisk } from '../stored.js';
import type { Qcow2Layout } from './layout.js';

/** A file in a guest's directory that notes something of its snapshots, by `<disk number>@<snapshot name>`. */
interface NotesFile {
  file: string;
}

const CONSISTENCY: NotesFile = { file: 'consistency.json' };
const DESCRIPTIONS: NotesFile = { file: 'descriptions.json' };

export const NOTES_FILES = [CONSISTENCY.file, DESCRIPTIONS.file];

type Notes<Note extends string> = Record<string, Note>;

const keyOf = ({ index }: StoredDisk, name: string): string => `${index}@${name}`;

const pathOf = ({ source }: StoredDisk, { file }: NotesFile): string => join(dirname(source), file);

const read = async <Note extends string>(disk: StoredDisk, notes: NotesFile): Promise<Notes<Note>> =>
  (await readStateFile<Notes<Note>>(pathOf(disk, notes))) ?? {};

/** Replaces the note of a snapshot of `disks`; without `note`, removes it. */
const write = async (
  { work }: Qcow2Layout,
  notes: NotesFile,
  { disks, name, note }: { disks: readonly StoredDisk[]; name: string; note?: string | undefined },
): Promise<void> => {
  const [first] = disks;
  if (!first) return;
  const before = await read(first, notes);
  const after = Object.fromEntries(
    Object.entries(before).filter(([key]) => !disks.some((disk) => keyOf(disk, name) === key)),
  );
  if (note) for (const disk of disks) after[keyOf(disk, name)] = note;
  if (!note && Object.keys(after).length === Object.keys(before).length) return;
  const dir = await mkdtemp(join(work, 'notes-'));
  try {
    const path = join(dir, notes.file);
    await writeFile(path, stateText(after));
    await moveIntoPlace(path, pathOf(first, notes));
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
};

/** What is noted of a disk's snapshots. */
export interface SnapshotNotes {
  /** How a snapshot was taken. An unrecorded one counts as `crash`. */
  consistencyOf: (name: string) => Consistency;
  descriptionOf: (name: string) => string | undefined;
}

export const readNotes = async (disk: StoredDisk): Promise<SnapshotNotes> => {
  const [consistency, descriptions] = await Promise.all([
    read<Consistency>(disk, CONSISTENCY),
    read<string>(disk, DESCRIPTIONS),
  ]);
  return {
    consistencyOf: (name) => consistency[keyOf(disk, name)] ?? 'crash',
    descriptionOf: (name) => descriptions[keyOf(disk, name)],
  };
};

export const writeConsistency = (
  layout: Qcow2Layout,
  disks: StoredDisk[],
  name: string,
  note: Consistency,
): Promise<void> => write(layout, CONSISTENCY, { disks, name, note });

/** @param note `""` removes the description */
export const writeDescription = (
  layout: Qcow2Layout,
  disks: StoredDisk[],
  name: string,
  note: string,
): Promise<void> => write(layout, DESCRIPTIONS, { disks, name, note });

/** Removes all that is noted of a snapshot. */
export const removeNotes = async (layout: Qcow2Layout, disks: StoredDisk[], name: string): Promise<void> => {
  for (const notes of [CONSISTENCY, DESCRIPTIONS]) await write(layout, notes, { disks, name });
};
