import Joi from 'joi';
import { MAX_SHUTDOWN_S } from '../shutdown-timeout.js';
import type { ContainerProgram } from './program.js';

const MAX_TEXT = 128 * 1024;
const MAX_WORDS = 4096;

/** Engines end each of these texts at a NUL byte. */
const text = (): Joi.StringSchema =>
  Joi.string()
    .max(MAX_TEXT)
    .pattern(/^[^\0]*$/, 'have no NUL character');

export const wordsSchema = (what: string): Joi.AlternativesSchema =>
  Joi.alternatives(Joi.array().items(text().allow('')).max(MAX_WORDS), text())
    .messages({ 'alternatives.types': '{#label} must be an array of words, or a line of them' })
    .description(`Replaces the ${what} of the image: words, or a line that a POSIX shell would split so`);

const envSchema = Joi.object()
  .pattern(/^[^=\0]{1,255}$/, text().allow(''))
  .unknown(false)
  .messages({
    'object.unknown': '{#label}: the name of a variable has 1 to 255 characters, none of them "="',
  });

/** The prefix of the labels by which the sub-agent knows its containers. */
const OWN_LABELS = 'io.mistify.';

const labelsSchema = Joi.object()
  .pattern(new RegExp(`^(?!${OWN_LABELS.replaceAll('.', '\\.')})[^=\\0]{1,255}$`), text().allow(''))
  .unknown(false)
  .messages({
    'object.unknown': `{#label}: a label has 1 to 255 characters, none of them "=", and does not begin with ${OWN_LABELS}`,
  });

/** A user of an image, by name or number, and perhaps a group. */
export const userSchema = Joi.string()
  .max(255)
  .pattern(/^[^\s:\0-][^\s:\0]*(:[^\s:\0]+)?$/, 'be a user, or a user and a group: www-data, 1000:1000');

export const workingDirSchema = text().max(4096).pattern(/^\//, 'be an absolute path');

export const programSchemas = {
  command: wordsSchema('command').example(['sleep', '3600']),
  entrypoint: wordsSchema('entry point').example('/bin/sh -c'),
  env: envSchema.description('Environment variables; everyone who sees the guest sees them').example({
    MODE: 'test',
  }),
  secretEnv: envSchema.description('Environment variables that no client may read').example({
    DB_PASSWORD: '…',
  }),
  user: userSchema
    .description('The user of its program, by name or number, and perhaps its group')
    .example('1000:1000'),
  workingDir: workingDirSchema.description('The directory in which its program starts').example('/srv'),
  hostname: Joi.string()
    .max(63)
    .pattern(
      /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i,
      'be a host name: letters, digits, - and dots',
    )
    .description('The host name; by default the id of the guest')
    .example('web-1'),
  labels: labelsSchema.description('Labels for the engine and its tools').example({ team: 'shop' }),
  stopSignal: Joi.string()
    .pattern(
      /^(SIG)?(HUP|INT|QUIT|KILL|USR1|USR2|TERM|CONT|STOP|WINCH|PWR|RTMIN(\+[0-9]{1,2})?|RTMAX(-[0-9]{1,2})?)$/,
      'be a signal that ends a program, such as SIGINT, SIGQUIT, SIGUSR1, SIGWINCH or SIGRTMIN+3',
    )
    .description('The signal that asks its program to exit; by default that of the image, or SIGTERM')
    .example('SIGINT'),
  stopTimeout: Joi.number()
    .integer()
    .min(0)
    .max(MAX_SHUTDOWN_S)
    .description('Seconds that its program gets to exit before it is killed; 10 by default')
    .example(30),
  init: Joi.boolean()
    .description('Whether an init process of the engine reaps what its program leaves behind')
    .example(true),
} satisfies Record<keyof ContainerProgram, Joi.Schema>;
