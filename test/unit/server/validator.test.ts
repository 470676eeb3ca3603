import test from 'ava';
import Joi from 'joi';
import { UnknownKeys } from '../../../lib/server/unknown-keys.js';
import { partsValidator, rememberingValidator } from '../../../lib/server/validator.js';
import { routeTable } from '../../../routes/table.js';

const schema = Joi.object({ id: Joi.string().guid().lowercase().required() });

test('converts parameters, also when they are repeated', (t) => {
  const validate = rememberingValidator(schema);
  const id = '7D3C8F0E-52C1-4C29-9C58-1F1F6D3A2B10';
  for (let time = 0; time < 2; time += 1) t.deepEqual(validate({ id }), { id: id.toLowerCase() });
});

test('rejects invalid parameters every time', (t) => {
  const validate = rememberingValidator(schema);
  for (let time = 0; time < 2; time += 1)
    t.throws(() => validate({ id: 'x' }), { message: /must be a UUID, got "x"/ });
});

test('tells apart parameters that look alike when joined', (t) => {
  const validate = rememberingValidator(Joi.object({ a: Joi.string(), b: Joi.string() }));
  validate({ a: 'x', b: 'y/z' });
  t.deepEqual(validate({ a: 'x/y', b: 'z' }), { a: 'x/y', b: 'z' });
});

const numbered = (count: number): Record<string, number> =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`k${n}`, 1]));

const findRoute = (id: string) => {
  const found = routeTable.find(({ operationId }) => operationId === id);
  if (!found) throw new Error(`no route ${id}`);
  return found;
};

test('describes only the first mistake of a very large body', (t) => {
  const validate = partsValidator(findRoute('createGuest'));
  const parts = { params: {}, query: {}, payload: { metadata: numbered(2000) } };
  t.throws(() => validate(parts, new UnknownKeys()), {
    message: '"metadata.k0" must be a string, got a number',
  });
});
