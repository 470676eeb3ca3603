import Joi from 'joi';
import { invalid } from '../errors.js';
import { describeMistakes } from './describe-mistakes.js';
import type { Guest } from './guest.js';

const MAX_NAME = 255;
const MAX_DESCRIPTION = 4096;
export const MAX_TAGS = 32;
const MAX_TAG = 64;

export const guestNameSchema = Joi.string()
  .allow('', null)
  .max(MAX_NAME)
  .pattern(/^\P{Cc}*$/u, 'have no control characters, such as line breaks')
  .description('The name, kept in the metadata key `name`')
  .example('web');

export const descriptionSchema = Joi.string()
  .allow('', null)
  .max(MAX_DESCRIPTION)
  .description('A text for people; it may have several lines')
  .example('Web server of the shop; ask ops before a restart');

/** A description that a client sets; those of earlier versions may have any characters. */
export const newDescriptionSchema = descriptionSchema.pattern(
  /^[\P{Cc}\n\r\t]*$/u,
  'have no control characters except line breaks and tabs',
);

export const tagSchema = Joi.string()
  .max(MAX_TAG)
  .pattern(
    /^[\p{L}\p{N}_][\p{L}\p{N}_.:=+@/-]*$/u,
    'consist of letters, digits and _ . : = + @ / -, and begin with a letter, a digit or _',
  );

export const tagsSchema = Joi.array()
  .items(tagSchema)
  .max(MAX_TAGS)
  .unique()
  .messages({ 'array.unique': '{#label} repeats a tag: give each tag once' })
  .allow(null)
  .description('Short labels, to find guests that belong together')
  .example(['production', 'web']);

/** Whether a guest has at least one of some tags. */
export const hasTag = ({ tags = [] }: Pick<Guest, 'tags'>, wanted: readonly string[]): boolean =>
  tags.some((tag) => wanted.includes(tag));

const labelsSchema = Joi.object({
  description: newDescriptionSchema,
  metadata: Joi.object({ name: guestNameSchema }).unknown(),
});

/**
 * Requires that people can read the name and the description of a guest.
 * @throws {AgentError} `invalid`
 */
export const requireReadable = ({ description, metadata }: Pick<Guest, 'description' | 'metadata'>): void => {
  const { error } = labelsSchema.validate({ description, metadata });
  if (error) throw invalid(describeMistakes(error));
};
