import { readAllocatedBytes } from '../../../files/allocated-bytes.js';
import { MB } from '../../../model/units.js';
import type { Entry } from '../guests/entry.js';
import type { Guests } from '../guests/guests.js';
import { startDefinition } from '../guests/pending.js';
import { warmFiles } from './record.js';

/**
 * Runs `work` with room for all of a template's memory: a boot may touch little of it, or all. A full disk kills its QEMU,
 * and those of other guests.
 * @param work calls `check` while the boot fills the room
 * @throws {Refusal} `no_space` when there is too little
 */
export const withRoom = async <Result>(
  { host: { space } }: Guests,
  { paths, record }: Entry,
  work: (check: () => Promise<void>) => Promise<Result>,
): Promise<Result> => {
  const bytes = startDefinition(record).memory * MB;
  const claim = space.claim();
  const check = async (): Promise<void> =>
    claim.require(Math.max(0, bytes - ((await readAllocatedBytes(warmFiles(paths).ram)) ?? 0)));
  try {
    await check();
    return await work(check);
  } finally {
    claim.release();
  }
};
