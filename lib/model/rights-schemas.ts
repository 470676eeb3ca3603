import Joi from 'joi';
import { guestIdSchema } from './guest-schemas.js';
import { tagsSchema } from './labels.js';
import { type Binding, type Grant, grantOf, unboundable, VERBS } from './rights.js';

const bindingSchema = Joi.object<Binding>({
  ids: Joi.array().items(guestIdSchema).min(1).description('The ids of guests'),
  tags: tagsSchema.invalid(null).min(1).description('Guests with one of these tags'),
})
  .or('ids', 'tags')
  .description('The guests that it is for; all, and the host, when absent');

const complete: Joi.CustomValidator<Grant> = ({ can, guests }, helpers) => {
  const wrong = guests ? unboundable(can) : [];
  return wrong.length > 0
    ? helpers.message({
        custom: `{{#label}} cannot have ${wrong.join(', ')} for some guests alone: leave out "guests", or these`,
      })
    : grantOf(can, guests);
};

/** What a client may do, as a config or a file has it. */
export const grantSchema = Joi.object<Grant>({
  can: Joi.array()
    .items(Joi.string().valid(...VERBS))
    .min(1)
    .unique()
    .required()
    .description('What it permits'),
  guests: bindingSchema,
}).custom(complete);
