import { endingWithParent } from '../../lib/process/with-parent.js';

/**
 * Starts a program in mounts and processes of its own. They all disappear with it, and it ends with this process,
 * however that ends.
 */
export const IN_NAMESPACES = endingWithParent('KILL', [
  ...['unshare', '--mount', '--pid', '--fork', '--kill-child=KILL'],
]);
