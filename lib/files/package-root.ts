import { fileURLToPath } from 'node:url';

/** The directory of `package.json` and `config/`, three levels above this file in `dist/lib/files`. */
export const packageRoot = fileURLToPath(new URL('../../..', import.meta.url));
