import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { callBackup, type TestBackup } from './backup.js';
import { childrenOf } from './processes.js';
import { type SubAgentProgram, subAgentProgram } from './sub-agent-program.js';
import { tempDir } from './temp.js';

/** The backup sub-agent as its own process, which can be killed and restarted with the same state. */
export interface BackupProgram extends TestBackup, SubAgentProgram {
  /** Kills the restics that it runs. @returns how many there were */
  killRestic: () => Promise<number>;
}

/** Prepares the program without starting it. */
export const backupProgram = async (t: ExecutionContext, ...args: string[]): Promise<BackupProgram> => {
  const dir = join(await tempDir(t), 'backup');
  const program = await subAgentProgram(t, 'backup', ['--dir', dir, ...args]);
  return {
    ...program,
    ...{ dir, close: program.kill },
    killRestic: async () => {
      const pids = await childrenOf(program.pid() ?? -1);
      for (const pid of pids) process.kill(pid, 'SIGKILL');
      return pids.length;
    },
    call: (method, request, attempt) => callBackup(program.port, method, request, attempt),
  };
};
