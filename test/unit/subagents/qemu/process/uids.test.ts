import test from 'ava';
import { parseUidRange, UidPool } from '../../../../../lib/subagents/qemu/process/uids.js';

test('assigns each guest a uid of its own, different from adopted ones', (t) => {
  const pool = new UidPool({ first: 5000, last: 5003 });
  t.true(pool.adopt('a', 5001));
  const uids = ['b', 'c', 'd'].map((guest) => pool.claim(guest));
  t.deepEqual(new Set([5001, ...uids]).size, 4);
  t.throws(() => pool.claim('e'), {
    message: /all 4 user ids 5000-5003 are in use: widen --uid-range/,
  });
});

test('reuses a uid after its guest is forgotten', (t) => {
  const pool = new UidPool({ first: 5000, last: 5001 });
  pool.claim('a');
  const uid = pool.claim('b');
  pool.release('b');
  t.is(pool.claim('c'), uid);
});

test('rejects a uid that another guest already has', (t) => {
  const pool = new UidPool({ first: 5000, last: 5001 });
  t.true(pool.adopt('a', 7));
  t.true(pool.adopt('a', 7));
  t.false(pool.adopt('b', 7));
});

test('parses a range of uids and rejects malformed ones', (t) => {
  t.deepEqual(parseUidRange('200000-265535'), { first: 200_000, last: 265_535 });
  for (const value of ['', '200000', '0-10', '3000-2000', '1000-4294967295', '1000:10', '-1-5']) {
    t.throws(() => parseUidRange(value), { message: /give FIRST-LAST/i }, value);
  }
});
