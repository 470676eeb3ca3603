import { resolve } from 'node:path';
import { InvalidArgumentError, Option } from 'commander';
import type { SubAgentProgram } from '../shared/run.js';
import { type BackupOptions, startBackup } from './service.js';

const MIN_SCRATCH_MB = 64;
const DEFAULT_SCRATCH_MB = 4096;

const toPath = (path: string): string => resolve(path);

const parseScratch = (value: string): number => {
  const megabytes = Number(value);
  if (!Number.isInteger(megabytes) || megabytes < MIN_SCRATCH_MB)
    throw new InvalidArgumentError(`Give whole MB, at least ${MIN_SCRATCH_MB}.`);
  return megabytes;
};

const collectOption = (value: string, values: string[] = []): string[] => {
  if (!/^[\w.-]+=./.test(value)) throw new InvalidArgumentError('Give KEY=VALUE.');
  return [...values, value];
};

export const backupProgram: SubAgentProgram<BackupOptions> = {
  name: 'mistify-backup',
  description: 'Backs guests up to a restic repository, and restores them',
  defaultPort: 30002,
  options: [
    new Option('--dir <dir>', 'directory for its own files')
      .env('MISTIFY_STATE_DIR')
      .argParser(toPath)
      .default('/var/lib/mistify/backup'),
    new Option(
      '--repository <location>',
      "the backups' repository, in restic's notation, such as sftp:user@host:/path or s3:https://server/bucket (default: repository in --dir)",
    ),
    new Option(
      '--password-file <path>',
      'file with the password of the repository (default: key in --dir, made at the first start)',
    ).argParser(toPath),
    new Option(
      '--environment-file <path>',
      'file of NAME=VALUE lines for restic, such as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
    ).argParser(toPath),
    new Option('--restic-option <key=value>', "restic's option -o; may be repeated").argParser(collectOption),
    new Option('--cacert <path>', 'file of certificates that restic trusts').argParser(toPath),
    new Option(
      '--restic-user <name>',
      'user that restic runs as, such as one with a key for SFTP; not root (default: the unused uid 1999999999)',
    ),
    new Option('--scratch <MB>', "changed parts of a guest's disks that are kept in --dir at a time")
      .argParser(parseScratch)
      .default(DEFAULT_SCRATCH_MB),
  ],
  start: startBackup,
};
