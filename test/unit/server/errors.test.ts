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
  test(`maps the error kind ${kind} to ${status} and keeps its message`, (t) => {
    t.deepEqual(errorBody(toBoom(new AgentError(kind, 'what is wrong')), false), {
      message: 'what is wrong',
      code: status,
      stack: [],
    });
  });

test('sends retryAfter as Retry-After', (t) => {
  t.is(toBoom(new AgentError('queue_full', 'full', { retryAfter: 7 })).output.headers['Retry-After'], '7');
  t.is(toBoom(new AgentError('queue_full', 'full')).output.headers['Retry-After'], undefined);
});

test("keeps hapi's own errors as they are", (t) => {
  const error = notFound('nothing here');
  t.is(toBoom(error), error);
});

for (const thrown of [new Error('secret'), 'secret', undefined])
  test(`turns a thrown ${String(thrown)} into a 500 that hides it`, (t) => {
    const { message, code } = errorBody(toBoom(thrown), false);
    t.is(code, 500);
    t.notRegex(message, /secret/);
  });
