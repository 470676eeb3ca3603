import { fileURLToPath } from 'node:url';

/** The directory that `package.json` and `config/` are in; this file is two levels below it, in `dist/lib`. */
export const packageRoot = fileURLToPath(new URL('../..', import.meta.url));
