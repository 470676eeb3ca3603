import Joi from 'joi';

/** A UUID as RFC 9562 writes it. Capitals are taken, and made small. */
export const uuid = (): Joi.StringSchema =>
  Joi.string()
    .guid({ separator: '-', wrapper: false })
    .lowercase()
    .messages({ 'string.guid': '{{#label}} must be a UUID' });
