import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The directory of `package.json` and `config/`, three levels above this file in `dist/lib/files`. */
export const packageRoot = fileURLToPath(new URL('../../..', import.meta.url));

/** The version of the agent: that of its package. */
export const packageVersion = (): string =>
  (JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string }).version;
