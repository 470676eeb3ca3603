import Joi from 'joi';

export const imageIdSchema = Joi.string()
  .pattern(
    /^(?!(.*\/)?\.\.?(\/|$))[a-zA-Z0-9_][a-zA-Z0-9_:.@/-]*$/,
    'consist of letters, digits and _ : . @ / -, begin with a letter, a digit or _, and have no part that is . or ..',
  )
  .max(255)
  .label('image id')
  .description('The id of an image: letters, digits and `_ : . @ / -`')
  .example('debian-12');
