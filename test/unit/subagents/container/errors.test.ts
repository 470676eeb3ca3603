import test from 'ava';
import {
  EngineError,
  explainEngineError,
  isUnreachable,
  NoEngineError,
} from '../../../../lib/subagents/container/errors.js';

const failure = (message: string, more: object): Error => Object.assign(new Error(message), more);

test('reports the engine’s own message', (t) => {
  const error = failure('(HTTP code 404) no such container - x', {
    statusCode: 404,
    json: { message: 'No such container: x' },
  });
  const explained = explainEngineError(error);
  t.true(explained instanceof EngineError);
  t.like(explained as EngineError, { status: 404, message: 'No such container: x' });
});

test('strips the client’s prefix when the response has no JSON', (t) => {
  const error = failure('(HTTP code 500) server error - no such host - at all ', {
    statusCode: 500,
    json: null,
  });
  t.is((explainEngineError(error) as Error).message, 'no such host - at all');
});

test('returns other errors unchanged', (t) => {
  const error = new Error('out of paper');
  t.is(explainEngineError(error), error);
});

test('takes only socket errors for an unreachable engine', (t) => {
  t.true(isUnreachable(failure('connect', { code: 'ECONNREFUSED' })));
  t.false(isUnreachable(failure('no', { code: 'ENOENT', statusCode: 404 })));
  t.false(isUnreachable(new Error('other')));
});

test('words a missing engine and a lost engine differently', (t) => {
  t.regex(new NoEngineError(['/a', '/b'], undefined).message, /^no container engine at \/a, \/b: /);
  t.regex(new NoEngineError(['/a', '/b'], '/b').message, /^the container engine at \/b does not respond/);
});
