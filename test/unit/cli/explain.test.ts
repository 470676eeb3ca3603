import test from 'ava';
import { explain } from '../../../lib/cli/explain.js';
import { notFoundFailure, usageFailure } from '../../../lib/cli/failure.js';
import { JobError, MistifyError } from '../../../lib/client/index.js';
import { NO_TIME } from '../../../lib/model/job.js';

for (const [status, exitCode] of [
  [0, 4],
  [400, 2],
  [401, 5],
  [403, 5],
  [404, 3],
  [409, 6],
  [412, 6],
  [429, 6],
  [500, 1],
  [502, 1],
  [503, 1],
] as const)
  test(`status ${status} exits with ${exitCode} and the agent's message`, (t) => {
    t.like(explain(new MistifyError(status, 'its words')), { exitCode, message: 'its words' });
  });

for (const [code, hint] of [
  ['ECONNREFUSED', /npm start/],
  ['ENOENT', /npm start/],
  ['EACCES', /member of its group/],
  ['ECONNABORTED', /--timeout/],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', /--ca/],
  ['ERR_TLS_CERT_ALTNAME_INVALID', /--ca/],
] as const)
  test(`${code} comes with a hint`, (t) => {
    t.regex(explain(new MistifyError(0, 'no', { code })).hint ?? '', hint);
  });

test('401 explains how to give a token and how to create one', (t) => {
  const { hint = '' } = explain(new MistifyError(401, 'who?'));
  t.regex(hint, /--token-file FILE or MISTIFY_TOKEN[\s\S]*mistify token create[\s\S]*-c FILE/);
});

test('a missing right is in the command that creates a token with it', (t) => {
  const { hint = '' } = explain(new MistifyError(403, 'no', { scope: 'content' }));
  t.regex(hint, /mistify token create NAME --can content\n[\s\S]*-c FILE[\s\S]*--cert FILE/);
  t.is(explain(new MistifyError(403, 'a page of another site')).hint, undefined);
});

test('escapes control characters in messages', (t) => {
  t.is(explain(new MistifyError(502, 'a\u001b[2J\nb')).message, 'a\\x1b[2J\\nb');
  t.is(explain(notFoundFailure('no \u0007')).message, 'no \\x07');
  t.is(
    explain(new Error('one\ntwo \u001b')).message,
    'one\ntwo \\x1b',
    'keeps line feeds of our own messages',
  );
});

test('a failed job exits with 1', (t) => {
  const job = {
    ID: 'a',
    GuestID: 'b',
    Action: 'start',
    QueuedAt: NO_TIME,
    StartedAt: NO_TIME,
    UpdatedAt: NO_TIME,
    Status: 'Error',
    Message: 'no room',
  } as const;
  t.like(explain(new JobError(job)), { exitCode: 1, message: 'start: no room' });
});

test('failures on this side have their own exit codes', (t) => {
  t.like(explain(usageFailure('no', 'do this')), { exitCode: 2, message: 'no', hint: 'do this' });
  t.like(explain(notFoundFailure('none')), { exitCode: 3, message: 'none' });
  t.like(explain(new Error('what?')), { exitCode: 1, message: 'what?' });
});
