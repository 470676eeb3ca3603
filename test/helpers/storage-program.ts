import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { LOOPBACK } from './loopback.js';
import type { StorageResult, TestStorage } from './storage.js';
import { type SubAgentProgram, subAgentProgram } from './sub-agent-program.js';
import { callMethod } from './sub-agents.js';
import { tempDir } from './temp.js';

/** The storage sub-agent as its own process, which can be killed and restarted with the same store. */
export interface StorageProgram extends TestStorage, SubAgentProgram {}

/**
 * Prepares the program without starting it.
 * @param args further arguments
 */
export const storageProgram = async (t: ExecutionContext, ...args: string[]): Promise<StorageProgram> => {
  const base = await tempDir(t);
  const [dir, runDir, importDir] = [join(base, 'store'), join(base, 'run'), join(base, 'import')];
  await mkdir(importDir);
  const program = await subAgentProgram(t, 'storage', [
    ...['--dir', dir, '--run-dir', runDir, '--import-dir', importDir, '--host-dir', join(base, 'host')],
    ...['--private-address', ...LOOPBACK],
    ...args,
  ]);
  return {
    ...program,
    ...{ dir, runDir, importDir, close: program.kill },
    call: async (method, request) => {
      const { status, result, error } = await callMethod(program.port, `ImageStore.${method}`, request);
      if (status !== 200 || error) throw new Error(error ?? `status ${status}`);
      return result as unknown as StorageResult;
    },
  };
};
