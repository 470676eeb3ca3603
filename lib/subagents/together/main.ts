#!/usr/bin/env -S node --expose-gc --v8-pool-size=1 --heap-growing-percent=200 --no-allocation-site-pretenuring --max-semi-space-size=4
import {
  canShare,
  SHARING_PROGRAMS,
  type SharingProgram,
  splitCommands,
} from '../../process/shared-process.js';
import { runSubAgents, type Serve } from '../shared/run.js';

/** Loads and serves each program, by its name. */
const PROGRAMS: Record<SharingProgram, (serve: Serve, args: readonly string[]) => Promise<void>> = {
  'mistify-storage': async (serve, args) =>
    serve((await import('../storage/program.js')).storageProgram, args),
  'mistify-qemu': async (serve, args) => serve((await import('../qemu/program.js')).qemuProgram, args),
  'mistify-container': async (serve, args) =>
    serve((await import('../container/program.js')).containerProgram, args),
  'mistify-backup': async (serve, args) => serve((await import('../backup/program.js')).backupProgram, args),
};

const USAGE = `usage: mistify-sub-agents PROGRAM --socket PATH --dir DIR [OPTIONS] [-- PROGRAM …]
Runs sub-agents in one process. The programs are ${SHARING_PROGRAMS.join(', ')}; each has its own --help.
`;

await runSubAgents(async (serve) => {
  const commands = splitCommands(process.argv.slice(2)).map(([program, ...args]) => {
    if (canShare(program)) return () => PROGRAMS[program](serve, args);
    process.stderr.write(USAGE);
    return process.exit(1);
  });
  await Promise.all(commands.map((start) => start()));
});
