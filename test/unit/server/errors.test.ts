import { notFound } from '@hapi/boom';
import test from 'ava';
import { AgentError } from '../../../lib/errors.js';
import { errorBody, toBoom } from '../../../lib/server/errors.js';

for (const [kind, status] of [
  ['invalid', 400],
  ['not_found', 404],
  ['conflict', 409],
  ['queue_full', 429],
  ['bad_answer', 502],
  ['unavailable', 503],
  ['timeout', 504],
] as const)
  test(`an error of kind ${kind} is a ${status} with its own words`, (t) => {
    t.deepEqual(errorBody(toBoom(new AgentError(kind, 'what is wrong')), false), {
      message: 'what is wrong',
      code: status,
      stack: [],
    });
  });

test('when to try again is in Retry-After', (t) => {
  t.is(toBoom(new AgentError('queue_full', 'full', { retryAfter: 7 })).output.headers['Retry-After'], '7');
  t.is(toBoom(new AgentError('queue_full', 'full')).output.headers['Retry-After'], undefined);
});

test("hapi's own errors stay what they are", (t) => {
  const error = notFound('nothing here');
  t.is(toBoom(error), error);
});

for (const thrown of [new Error('secret'), 'secret', undefined])
  test(`what is thrown as ${String(thrown)} is a 500 that does not tell it`, (t) => {
    const { message, code } = errorBody(toBoom(thrown), false);
    t.is(code, 500);
    t.notRegex(message, /secret/);
  });
