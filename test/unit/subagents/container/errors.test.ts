import test from 'ava';
import {
  EngineError,
  explainEngineError,
  isUnreachable,
  NoEngineError,
} from '../../../../lib/subagents/container/errors.js';

const failure = (message: string, more: object): Error => Object.assign(new Error(message), more);

test('an error of the engine is told in its own words', (t) => {
  const error = failure('(HTTP code 404) no such container - x', {
    statusCode: 404,
    json: { message: 'No such container: x' },
  });
  const explained = explainEngineError(error);
  t.true(explained instanceof EngineError);
  t.like(explained as EngineError, { status: 404, message: 'No such container: x' });
});

test('or in those that the client made of them', (t) => {
  const error = failure('(HTTP code 500) server error - no such host - at all ', {
    statusCode: 500,
    json: null,
  });
  t.is((explainEngineError(error) as Error).message, 'no such host - at all');
});

test('any other error stays what it is', (t) => {
  const error = new Error('out of paper');
  t.is(explainEngineError(error), error);
});

test('only a socket that fails means that the engine is away', (t) => {
  t.true(isUnreachable(failure('connect', { code: 'ECONNREFUSED' })));
  t.false(isUnreachable(failure('no', { code: 'ENOENT', statusCode: 404 })));
  t.false(isUnreachable(new Error('other')));
});

test('an engine that was never there is told apart from one that went away', (t) => {
  t.regex(
    new NoEngineError(['/a', '/b'], undefined).message,
    /^there is no container engine: looked at \/a, \/b: /,
  );
  t.regex(new NoEngineError(['/a', '/b'], '/b').message, /^the container engine at \/b does not answer/);
});
