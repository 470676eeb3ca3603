import { resolve } from 'node:path';
import { Option } from 'commander';
import { defaultHostDir } from './registry.js';

/** The option `--host-dir` of the sub-agents that have guests. */
export const hostDirOption = (): Option =>
  new Option(
    '--host-dir <path>',
    'directory of what the agents of this host have claimed, the same for all of them',
  )
    .env('MISTIFY_HOST_DIR')
    .argParser((path) => resolve(path))
    .default(defaultHostDir());
