#!/usr/bin/env node
import { resolve } from 'node:path';
import { InvalidArgumentError, Option } from 'commander';
import { runSubAgent } from '../shared/run.js';
import { BACKENDS, type StorageOptions, startStorage } from './service.js';

const collect = (path: string, paths: string[] = []): string[] => [...paths, resolve(path)];

const parseServer = (url: string): string => {
  if (!/^https?:$/.test(URL.canParse(url) ? new URL(url).protocol : ''))
    throw new InvalidArgumentError('not an http or https URL');
  return url;
};

await runSubAgent<StorageOptions>({
  name: 'mistify-storage',
  description:
    "Keeps images, guests' disks and their snapshots: in a directory of qcow2 files, or in a ZFS pool",
  defaultPort: 19999,
  options: [
    new Option('--dir <dir>', 'where images and disks are kept')
      .env('MISTIFY_STATE_DIR')
      .argParser((path) => resolve(path))
      .default('/var/lib/mistify/storage'),
    new Option('--backend <name>', 'how they are kept: qcow2 files in --dir, or datasets in --pool')
      .choices(BACKENDS)
      .default('qcow2'),
    new Option('--pool <name>', 'the ZFS pool, or a dataset of it, that the back end zfs keeps them in'),
    new Option('--run-dir <dir>', 'where running guests have their sockets')
      .env('MISTIFY_RUN_DIR')
      .argParser((path) => resolve(path))
      .default('/run/mistify'),
    new Option(
      '--import-dir <dir>',
      'images may be fetched from files under it; may be repeated (default: import in --dir)',
    ).argParser(collect),
    new Option(
      '--image-server <url>',
      'where images without a source are fetched from, as <url>/images/<id>/download',
    ).argParser(parseServer),
  ],
  start: startStorage,
});
