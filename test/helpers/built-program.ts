import { join } from 'node:path';
import { packageRoot } from '../../lib/files/package-root.js';

/** Returns the path of a program of the package, as users run it. */
export const builtProgram = (name: 'agent' | 'backup' | 'container' | 'qemu' | 'storage'): string =>
  join(packageRoot, 'dist/programs', name, 'main.js');
