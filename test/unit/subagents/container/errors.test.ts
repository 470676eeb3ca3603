import test from 'ava';
import { Refusal } from '../../../../lib/rpc/protocol/refusal.js';
import {
  EngineError,
  explainEngineError,
  isUnreachable,
  NoEngineError,
  refusingMistakes,
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

test('treats only socket errors as an unreachable engine', (t) => {
  t.true(isUnreachable(failure('connect', { code: 'ECONNREFUSED' })));
  t.false(isUnreachable(failure('no', { code: 'ENOENT', statusCode: 404 })));
  t.false(isUnreachable(new Error('other')));
});

test('words a missing engine and a lost engine differently', (t) => {
  t.regex(new NoEngineError(['/a', '/b'], undefined).message, /^no container engine at \/a, \/b: /);
  t.regex(new NoEngineError(['/a', '/b'], '/b').message, /^the container engine at \/b does not respond/);
});

for (const [status, message, kind] of [
  [200, 'reading manifest 1 in registry.example/x: manifest unknown', 'not_found'],
  [500, 'runc: unable to start container process: exec: "no": executable file not found in $PATH', 'invalid'],
  [400, 'Minimum memory limit allowed is 6MB', 'invalid'],
  [409, 'the container name is in use', 'conflict'],
] as const)
  test(`refuses a caller's mistake that the engine reports with ${status}: ${message}`, async (t) => {
    const error = await t.throwsAsync(
      refusingMistakes(() => Promise.reject(new EngineError(status, message, undefined))),
      { instanceOf: Refusal, message },
    );
    t.is(error.kind, kind);
  });

test("leaves the engine's own failures as they are", async (t) => {
  const error = new EngineError(500, 'connection refused', undefined);
  t.is(await t.throwsAsync(refusingMistakes(() => Promise.reject(error))), error);
});
