import { readFile } from 'node:fs/promises';

/** Linux makes a new UUID at each boot: random(4). */
const BOOT_ID = '/proc/sys/kernel/random/boot_id';

/** Names another file with the id of the host's boot, for tests that simulate one. */
const BOOT_ID_FILE_VARIABLE = 'MISTIFY_BOOT_ID_FILE';

/** Returns the id of the host's current boot. */
export const readBootId = async (path = process.env[BOOT_ID_FILE_VARIABLE] || BOOT_ID): Promise<string> =>
  (await readFile(path, 'utf8')).trim();
