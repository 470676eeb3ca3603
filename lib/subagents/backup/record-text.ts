import Joi from 'joi';
import type { Guest } from '../../model/guest.js';
import { Refusal } from '../../rpc/protocol/refusal.js';
import { chunkBytesOf } from './chunks/layout.js';
import type { NewBackup } from './tags.js';

/** The format of backups in the repository: docs/backup.md. */
const FORMAT = 1;

/** What a backup says about itself, in `guest.json`. */
export interface BackupContent {
  format: number;
  backup: NewBackup;
  /** The bytes of the chunks of each disk. */
  chunks: Record<string, number>;
  /** The names of the small files. */
  files: string[];
  /** The guest as the agent has stored it. */
  guest: Guest;
}

const contentSchema = Joi.object<BackupContent>({
  format: Joi.number().required(),
  backup: Joi.object().unknown().required(),
  chunks: Joi.object().pattern(Joi.string(), Joi.number().integer().positive()).required(),
  files: Joi.array().items(Joi.string()).required(),
  guest: Joi.object().unknown().required(),
}).unknown();

export const contentText = (backup: NewBackup, files: readonly string[], guest: Guest): string => {
  const chunks = Object.fromEntries(backup.disks.map(({ disk, size }) => [disk, chunkBytesOf(size)]));
  return `${JSON.stringify({ format: FORMAT, backup, chunks, files, guest }, undefined, 2)}\n`;
};

/** @throws when it is damaged, or a newer version wrote it */
export const parseContent = (text: string): BackupContent => {
  const content = Joi.attempt(JSON.parse(text), contentSchema) as BackupContent;
  if (content.format > FORMAT)
    throw new Refusal(
      'conflict',
      `the backup has format ${content.format}, from a newer version of the agent; this one reads up to ${FORMAT}: use the newer version`,
    );
  return content;
};
