import Joi from 'joi';

/** Makes a schema of text that a sub-agent may leave out or send as `null`, which is how Go encodes an empty pointer. */
export const text = (): Joi.StringSchema => Joi.string().allow('', null).empty([null]).default('');
