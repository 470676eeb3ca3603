import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';

/** A directory of the test's own, removed when the test ends. Short: unix sockets' paths must be. */
export const tempDir = async (t: ExecutionContext): Promise<string> => {
  const dir = await realpath(await mkdtemp(join(tmpdir(), 'mt-')));
  t.teardown(() => rm(dir, { recursive: true, force: true }));
  return dir;
};
