import { stat } from 'node:fs/promises';
import { ifExists } from '../../../files/atomic-files.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import type { StoredDisk } from '../stored.js';
import type { Qcow2Layout } from './layout.js';
import { readDisks } from './records.js';
import { findEntry, readTable, type TableEntry } from './table.js';

/** An image that linked clones of a disk build on: `linked/GUEST/disk-NUMBER@STATE`. */
const BASE = /^linked\/(?<guest>[0-9a-f-]{36})\/disk-(?<number>\d+)@(?<state>.+)$/;

/** A longer name of a snapshot is cut off; the time of the snapshot tells it from others. */
const MAX_NAME = 64;

const stateOfSnapshot = (entry: TableEntry): string =>
  `${entry.name.slice(0, MAX_NAME)}.${entry['date-sec'] ?? 0}.${entry['date-nsec'] ?? 0}`;

/** Tells the present state of a disk from all others: each write changes the time of the file. */
const presentState = async ({ source }: StoredDisk): Promise<string> => {
  const { mtimeNs } = await stat(source, { bigint: true });
  return mtimeNs.toString(36);
};

const guestOf = ({ volume }: StoredDisk): string => volume.split('/')[1] ?? '';

/**
 * Returns the id of the image that linked clones of a disk build on, which names the state that the image is made from.
 * @param snapshot absent for the present state of a guest that is off
 */
export const baseId = async (
  layout: Qcow2Layout,
  disk: StoredDisk,
  snapshot: string | undefined,
): Promise<string> => {
  const state =
    snapshot === undefined
      ? await presentState(disk)
      : stateOfSnapshot(findEntry(await readTable(layout, disk), disk, snapshot));
  return `linked/${guestOf(disk)}/disk-${disk.index}@${state}`;
};

/** Makes an image from the present state of a disk. @throws {Refusal} when the disk changes meanwhile */
export const whileUnchanged = async (disk: StoredDisk, make: () => Promise<void>): Promise<void> => {
  const before = await presentState(disk);
  await make();
  if ((await presentState(disk)) === before) return;
  throw new Refusal(
    'conflict',
    `disk ${disk.index} of guest ${guestOf(disk)} has changed while it was being copied: try again`,
  );
};

/** Whether an image is the base of linked clones, and the state that it was made from no longer exists. */
export const isStaleBase = async (layout: Qcow2Layout, id: string): Promise<boolean> => {
  const { guest = '', number, state = '' } = BASE.exec(id)?.groups ?? {};
  if (number === undefined) return false;
  const disk = ((await readDisks(layout, guest)) ?? []).find(({ index }) => index === Number(number));
  if (!disk || !(await ifExists(stat(disk.source)))) return true;
  if ((await presentState(disk)) === state) return false;
  const table = await readTable(layout, disk).catch(() => undefined);
  // What cannot be read may still be the source of later clones.
  return table !== undefined && !table.some((entry) => stateOfSnapshot(entry) === state);
};
