import { resolve } from 'node:path';
import { InvalidArgumentError, Option } from 'commander';
import { hostDirOption } from '../shared/host/option.js';
import { privateAddressOption } from '../shared/private-addresses.js';
import type { SubAgentProgram } from '../shared/run.js';
import { BACKENDS, DEFAULT_SCRATCH_MB, type StorageOptions, startStorage } from './service.js';

const collect = (path: string, paths: string[] = []): string[] => [...paths, resolve(path)];

const parseServer = (url: string): string => {
  if (!/^https?:$/.test(URL.canParse(url) ? new URL(url).protocol : ''))
    throw new InvalidArgumentError('Give an http or https URL.');
  return url;
};

const parseMb = (text: string): number => {
  const mb = Number(text);
  if (!Number.isInteger(mb) || mb < 1)
    throw new InvalidArgumentError('Give a whole number of MB, at least 1.');
  return mb;
};

export const storageProgram: SubAgentProgram<StorageOptions> = {
  name: 'mistify-storage',
  description:
    "Stores images, guests' disks and their snapshots: in a directory of qcow2 files, or in a ZFS pool",
  defaultPort: 19999,
  options: [
    new Option('--dir <dir>', 'directory for images and disks')
      .env('MISTIFY_STATE_DIR')
      .argParser((path) => resolve(path))
      .default('/var/lib/mistify/storage'),
    new Option('--backend <name>', 'storage back end: qcow2 files in --dir, or ZFS datasets in --pool')
      .choices(BACKENDS)
      .default('qcow2'),
    new Option('--pool <name>', 'ZFS pool, or a dataset in one, for the back end zfs'),
    new Option('--run-dir <dir>', "directory of the running guests' sockets")
      .env('MISTIFY_RUN_DIR')
      .argParser((path) => resolve(path))
      .default('/run/mistify'),
    hostDirOption(),
    new Option(
      '--import-dir <dir>',
      'directory of files that may be fetched as images; may be repeated (default: import in --dir)',
    ).argParser(collect),
    new Option(
      '--image-server <url>',
      'base URL for images without a source, fetched from <url>/images/<id>/download',
    ).argParser(parseServer),
    privateAddressOption(),
    new Option(
      '--backup-scratch <MB>',
      'how much of each disk a running guest may overwrite while the disk is backed up: more breaks the backup',
    )
      .argParser(parseMb)
      .default(DEFAULT_SCRATCH_MB),
  ],
  start: startStorage,
};
