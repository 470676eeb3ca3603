import { access, constants, statfs } from 'node:fs/promises';
import { isErrno } from '../errors.js';
import { MB } from '../model/units.js';

/** The room on the device of a directory. */
export interface Room {
  sizeBytes: number;
  freeBytes: number;
  isReadOnly: boolean;
}

/** Less than this is as good as nothing. */
const FULL_BYTES = MB;
/** Less than a twentieth of the device, but not of more than 20 GB, is a warning. */
const MAX_LOW_BYTES = 1024 * MB;
const LOW_DIVISOR = 20;

const isReadOnly = (dir: string): Promise<boolean> =>
  access(dir, constants.W_OK).then(
    () => false,
    (error: unknown) => isErrno(error, 'EROFS'),
  );

/** Reads the room of a directory: statfs(2), and access(2) for a read-only mount. */
export const roomOf = async (dir: string): Promise<Room> => {
  const [{ bsize, blocks, bavail }, readOnly] = await Promise.all([statfs(dir), isReadOnly(dir)]);
  return { sizeBytes: blocks * bsize, freeBytes: bavail * bsize, isReadOnly: readOnly };
};

export const isFull = ({ freeBytes, isReadOnly }: Room): boolean => isReadOnly || freeBytes < FULL_BYTES;

/**
 * Says that room is short or gone, before something fails for it.
 * @param what the subject, such as `the disk of the agent's state`
 * @returns `undefined` while there is room
 */
export const describeShortage = (what: string, room: Room): string | undefined => {
  const { sizeBytes, freeBytes } = room;
  const free = `${Math.floor(freeBytes / MB)} of ${Math.floor(sizeBytes / MB)} MB free`;
  if (room.isReadOnly)
    return `${what} is read-only: look for its errors in the kernel's log, and mount it for writing`;
  if (isFull(room)) return `${what} is full (${free}): make room`;
  return freeBytes < Math.min(MAX_LOW_BYTES, sizeBytes / LOW_DIVISOR)
    ? `${what} is almost full (${free}): make room`
    : undefined;
};
