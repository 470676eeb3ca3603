import type Joi from 'joi';
import { closestMatch } from 'leven';

type Path = readonly (string | number)[];

interface UnknownKey {
  path: Path;
  /** The keys that are known in its place. */
  known: string[];
}

/** The parts of `describe()` of a joi schema that say what keys a value may have. */
interface Description {
  type?: string;
  keys?: Readonly<Record<string, Description>>;
  items?: readonly Description[];
  matches?: readonly { schema?: Description }[];
  patterns?: readonly { rule?: Description }[];
}

const find = (description: Description, value: unknown, path: Path): UnknownKey | undefined => {
  if (typeof value !== 'object' || value === null) return undefined;
  if (Array.isArray(value)) {
    const [item = {}] = description.items ?? [];
    return value.map((each, index) => find(item, each, [...path, index])).find((found) => found);
  }
  const choices = [description, ...(description.matches ?? []).flatMap(({ schema }) => schema ?? [])];
  const keys = choices.find((each) => each.keys)?.keys;
  const [{ rule = {} } = {}] = description.patterns ?? [];
  for (const [key, inner] of Object.entries(value)) {
    const here = [...path, key];
    if (keys && !Object.hasOwn(keys, key)) return { path: here, known: Object.keys(keys) };
    // Names of any kind are checked by their pattern.
    const found = find(keys?.[key] ?? rule, inner, here);
    if (found) return found;
  }
  return undefined;
};

/** The keys of a guest beside `container` that people look for in it. */
const BESIDE = ['memory', 'cpu', 'image', 'nics', 'restart', 'autostart', 'metadata'];

/** So much of a key may be wrong for a guess at the right one. */
const MISTYPED = 1 / 3;

const MAX_SHOWN = 64;

const formatPath = (path: Path): string =>
  ['container', ...path]
    .map((part, depth) =>
      typeof part === 'number' ? `[${part}]` : `${depth > 0 ? '.' : ''}${part.slice(0, MAX_SHOWN)}`,
    )
    .join('');

const adviceFor = ({ path, known }: UnknownKey): string => {
  const key = String(path.at(-1));
  const beside = path.length === 1 ? BESIDE : [];
  const maxDistance = Math.max(1, Math.floor(key.length * MISTYPED));
  const nearest = closestMatch(key.slice(0, MAX_SHOWN), [...known, ...beside], { maxDistance });
  if (nearest === undefined) return `choose from ${known.join(', ')}`;
  if (!known.includes(nearest)) return `"${nearest}" is a key of the guest, beside "container"`;
  return `did you mean "${nearest}"?`;
};

/**
 * Makes a schema reject a key of `container` that it does not know, and name the nearest that it does. Other keys of a
 * guest are ignored, as clients of the original agent expect, which never had this one.
 * @param spec the schema that has the keys, if `schema` has none
 */
export const rejectUnknownKeys = <Spec>(
  schema: Joi.ObjectSchema<Spec>,
  spec: Joi.Schema = schema,
): Joi.ObjectSchema<Spec> => {
  const description = spec.describe() as Description;
  const check: Joi.CustomValidator<Spec> = (value, helpers) => {
    const unknown = find(description, helpers.original, []);
    if (unknown === undefined) return value;
    return helpers.error('container.unknown', { name: formatPath(unknown.path), advice: adviceFor(unknown) });
  };
  return schema.custom(check).messages({ 'container.unknown': '"{#name}" is not known: {#advice}' });
};
