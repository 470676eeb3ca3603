import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceFile } from '../../files/atomic-files.js';
import { exists } from '../../files/exists.js';
import { stateText } from '../../files/state-file.js';

/** The file that exists while the repository is known to be damaged. */
export const DAMAGE_FILE = 'damage.json';

/** Why a backup reads everything while the repository is known to be damaged. */
export const DAMAGE_WHY = 'the repository is known to be damaged';

/** Remembers on disk that the repository is damaged: restic would build new backups on data that its index still lists. */
export class KnownDamage {
  readonly #path: string;

  constructor(dir: string) {
    this.#path = join(dir, DAMAGE_FILE);
  }

  isKnown(): Promise<boolean> {
    return exists(this.#path);
  }

  async record(problem: string): Promise<void> {
    await replaceFile(this.#path, stateText({ found: new Date().toISOString(), problem }));
  }

  async clear(): Promise<void> {
    await rm(this.#path, { force: true });
  }
}
