import Joi from 'joi';

/** Accepts a UUID as in RFC 9562 and converts it to lower case. */
export const uuid = (): Joi.StringSchema => Joi.string().guid({ separator: '-', wrapper: false }).lowercase();
