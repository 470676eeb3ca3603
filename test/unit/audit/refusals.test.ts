import test from 'ava';
import { Refusals } from '../../../lib/audit/refusals.js';
import type { RequestEntry } from '../../../lib/model/audit.js';

// Guarantees: G32.

const refusal = (principal: string, route = '/guests'): RequestEntry => ({
  event: 'request',
  ...{ principal, address: '192.0.2.7', method: 'GET', route },
  status: 403,
  reason: 'you lack the right "look"',
});

const keeping = (maxKinds?: number) => {
  const written: RequestEntry[] = [];
  return { written, refusals: new Refusals((entry) => written.push(entry), maxKinds) };
};

test('writes the first refusal of a client and a route at once, and the number of the others later', (t) => {
  const { written, refusals } = keeping();
  for (let n = 0; n < 5; n += 1) refusals.add(refusal('ci'));
  refusals.add(refusal('ci', '/jobs'));
  refusals.add(refusal('bob'));
  t.deepEqual(written, [refusal('ci'), refusal('ci', '/jobs'), refusal('bob')]);
  refusals.endMinute();
  t.deepEqual(written.slice(3), [{ ...refusal('ci'), count: 4 }]);
});

test('begins anew with each minute', (t) => {
  const { written, refusals } = keeping();
  for (let minute = 0; minute < 2; minute += 1) {
    refusals.add(refusal('ci'));
    refusals.endMinute();
  }
  t.deepEqual(written, [refusal('ci'), refusal('ci')]);
});

test('counts the refusals of too many clients in one entry', (t) => {
  const { written, refusals } = keeping(2);
  for (let n = 0; n < 100; n += 1) refusals.add(refusal(`client-${n}`));
  refusals.endMinute();
  t.is(written.length, 3);
  t.like(written[2], { count: 98, status: 403 });
});
