import ava from 'ava';
import Joi from 'joi';
import { describeMistakes } from '../../../lib/model/describe-mistakes.js';

const schema = Joi.object({
  memory: Joi.number().integer().min(1),
  cpu: Joi.number(),
  name: Joi.string().pattern(/^[a-z]+$/, 'consist of letters'),
  secret: Joi.string().min(16),
  kind: Joi.string().valid('', 'a', 'b'),
  list: Joi.array().max(1),
}).prefs({ abortEarly: false, convert: false });

const mistakes = (value: object): string => {
  const { error } = schema.validate(value);
  return error === undefined ? '' : describeMistakes(error);
};

const cases: [object, string][] = [
  [{ memory: 0 }, '"memory" must be at least 1 MB, got 0'],
  [{ memory: '2G' }, '"memory" must be a number in MB, got "2G"'],
  [{ cpu: '2' }, '"cpu" must be a number, got "2"'],
  [{ memory: 1.5 }, '"memory" must be a whole number, got 1.5'],
  [{ name: 'bad one!' }, '"name" must consist of letters, got "bad one!"'],
  [{ kind: 'c' }, '"kind" must be one of a, b, got "c"'],
  [{ list: [1, 2] }, '"list" must have at most 1 items, got 2'],
  [{ list: {} }, '"list" must be a list, got an object'],
  [{ memory: 0, list: 'x' }, '"memory" must be at least 1 MB, got 0; "list" must be a list, got "x"'],
];

for (const [value, expected] of cases)
  ava(`describes ${JSON.stringify(value)}`, (t) => t.is(mistakes(value), expected));

ava('does not quote strings of a wrong length or type, which can be secrets', (t) => {
  t.is(mistakes({ secret: 'hunter2' }), '"secret" must have at least 16 characters, got 7');
  t.is(mistakes({ name: { password: 'x' } }), '"name" must be a string, got an object');
});

ava('cuts long values', (t) => {
  t.is(mistakes({ name: '1'.repeat(1000) }), `"name" must consist of letters, got "${'1'.repeat(64)}…"`);
});
