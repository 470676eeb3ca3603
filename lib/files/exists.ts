import { access } from 'node:fs/promises';

/** Whether a path can be reached. */
export const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
