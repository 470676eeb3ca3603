import test from 'ava';
import {
  failureIn,
  kindOfError,
  kindOfFailure,
  kindOfStatus,
  Refusal,
  statusOfFailure,
} from '../../../../lib/rpc/protocol/refusal.js';

for (const message of ['not found', 'guest 1: not found', 'no such image', 'image x: No such image'])
  test(`reads "${message}" as not_found`, (t) => {
    t.is(kindOfError(message), 'not_found');
  });

for (const message of ['', 'disk not found on shelf', 'notfound', 'it was not found'])
  test(`reads "${message}" as a failure of the sub-agent's own`, (t) => {
    t.is(kindOfError(message), undefined);
  });

test('prefers the kind to the message', (t) => {
  t.is(kindOfError('disk x: not found', 'conflict'), 'conflict');
});

for (const kind of ['weather', 'toString', 5, null, undefined])
  test(`ignores the kind ${kind}`, (t) => {
    t.is(kindOfError('it broke', kind), undefined);
    t.is(kindOfError('x: not found', kind), 'not_found');
  });

for (const [kind, status] of [
  ['invalid', 400],
  ['not_found', 404],
  ['conflict', 409],
  ['past_end', 416],
  ['no_space', 507],
] as const)
  test(`reports ${kind} as ${status} and reads it back`, (t) => {
    t.is(statusOfFailure(new Refusal(kind, 'no')), status);
    t.is(kindOfStatus(status), kind);
  });

for (const code of ['ENOSPC', 'EDQUOT'])
  test(`reports ${code} as a lack of space, also as a cause`, (t) => {
    const failure = Object.assign(new Error('cannot write'), { code });
    t.is(statusOfFailure(failure), 507);
    t.is(kindOfFailure(new Error('guest not saved', { cause: failure })), 'no_space');
  });

test('reports any other failure as 500', (t) => {
  t.is(statusOfFailure(new Error('it broke')), 500);
  t.is(kindOfStatus(500), undefined);
});

test('prefixes a failure with the part that failed, and keeps the kind of a refusal', (t) => {
  const refusal = failureIn('NIC 0', new Refusal('not_found', 'no bridge br7'));
  t.true(refusal instanceof Refusal && refusal.kind === 'not_found');
  t.is(refusal.message, 'NIC 0: no bridge br7');
  const failure = failureIn('NIC 0', new TypeError('it broke'));
  t.false(failure instanceof Refusal);
  t.is(failure.message, 'NIC 0: it broke');
});
