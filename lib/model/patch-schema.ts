import Joi from 'joi';

/**
 * Builds the schema of a merge patch (RFC 7396). A key that it cannot change is a mistake, so that no change is ignored.
 * @param elsewhere where a client changes the other keys
 * @param of what the patch changes
 */
export const patchSchema = <Patch extends object>(
  keys: Readonly<Record<string, Joi.Schema>>,
  elsewhere: Readonly<Record<string, string>>,
  of = 'a guest',
): Joi.ObjectSchema<Patch> => {
  const known = Object.keys(keys);
  const refused: Joi.CustomValidator<Record<string, unknown>> = (patch, helpers) => {
    const key = Object.keys(patch).find((name) => !known.includes(name));
    if (key === undefined) return patch;
    const why = Object.hasOwn(elsewhere, key) ? elsewhere[key] : undefined;
    const name = [...(helpers.state.path ?? []), key.slice(0, 64)].join('.');
    return why === undefined
      ? helpers.error('patch.unknown', { name, known: known.join(', ') })
      : helpers.error('patch.elsewhere', { name, why });
  };
  return Joi.object<Patch>(keys)
    .unknown()
    .custom(refused)
    .messages({
      'patch.unknown': `"{#name}" is not a key of ${of} that can be changed: choose from {#known}`,
      'patch.elsewhere': '"{#name}" cannot be changed here: {#why}',
    });
};
