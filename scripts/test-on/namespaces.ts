/**
 * Starts a program in mounts and processes of its own. They all disappear with it, and it ends with this process,
 * however that ends.
 */
export const IN_NAMESPACES = [
  ...['setpriv', '--pdeathsig', 'KILL', '--'],
  ...['unshare', '--mount', '--pid', '--fork', '--kill-child=KILL'],
] as const;
