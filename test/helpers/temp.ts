import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';

/** Makes a directory that is removed when the test ends. Its path is short enough for unix sockets in it. */
export const tempDir = async (t: ExecutionContext): Promise<string> => {
  const dir = await realpath(await mkdtemp(join(tmpdir(), 'mt-')));
  t.teardown(() => rm(dir, { recursive: true, force: true }));
  return dir;
};
