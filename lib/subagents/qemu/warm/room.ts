import { stat } from 'node:fs/promises';
import { ifExists } from '../../../files/atomic-files.js';
import { MB } from '../../../model/units.js';
import type { Entry } from '../guests/entry.js';
import type { Guests } from '../guests/guests.js';
import { startDefinition } from '../guests/pending.js';
import { warmFiles } from './record.js';

/** stat(2) counts in these. */
const BLOCK_BYTES = 512;

const allocated = async (path: string): Promise<number> =>
  ((await ifExists(stat(path)))?.blocks ?? 0) * BLOCK_BYTES;

/**
 * Runs `work` with room for all of a template's memory, of which a boot may touch little or all. QEMU would be killed by a
 * disk that is full, and so would other guests.
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
    claim.require(Math.max(0, bytes - (await allocated(warmFiles(paths).ram))));
  try {
    await check();
    return await work(check);
  } finally {
    claim.release();
  }
};
