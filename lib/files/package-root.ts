import { fileURLToPath } from 'node:url';

/** The directory that `package.json` and `config/` are in; this file is three levels below it, in `dist/lib/files`. */
export const packageRoot = fileURLToPath(new URL('../../..', import.meta.url));
