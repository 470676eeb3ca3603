import test from 'ava';
import Joi from 'joi';
import { rememberingValidator } from '../../../lib/server/validator.js';

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
