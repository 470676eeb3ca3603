import { createRequire } from 'node:module';
import { gunzipSync } from 'node:zlib';
import test from 'ava';
import { callerGone } from '../../../lib/errors.js';
import { isProfileName, startHeapSampling, takeProfile } from '../../../lib/process/profiler.js';

const { Profile } = createRequire(import.meta.url)('pprof-format') as typeof import('pprof-format');

/** Decodes a profile: its units, and the total of each function's samples by unit. */
const decode = (gzipped: Buffer) => {
  const {
    sampleType,
    sample,
    location,
    function: functions,
    stringTable,
  } = Profile.decode(gunzipSync(gzipped));
  const text = (index: number | bigint): string => stringTable.strings[Number(index)] ?? '';
  const units = sampleType.map(({ unit }) => text(unit));
  const names = new Map(functions.map(({ id, name }) => [Number(id), text(name)]));
  const nameOf = new Map(
    location.map(({ id, line }) => [Number(id), names.get(Number(line[0]?.functionId)) ?? '']),
  );
  const totalOf = (name: string, unit: string): number =>
    sample
      .filter(({ locationId }) => locationId.some((id) => nameOf.get(Number(id)) === name))
      .reduce((total, { value }) => total + Number(value[units.indexOf(unit)]), 0);
  return { units, totalOf };
};

const busy = (ms: number): void => {
  const until = Date.now() + ms;
  while (Date.now() < until) JSON.parse(JSON.stringify({ a: [1, 2, 3] }));
};

const MB = 2 ** 20;

/** A signal that never aborts. */
const never = new AbortController().signal;

/** Allocates some 16 MB of small objects. */
const allocate = (): object[] => Array.from({ length: 200_000 }, (_, index) => ({ index, half: index / 2 }));

test.before(() => {
  startHeapSampling();
});

// The profiler takes one profile at a time.
test.serial('takes a CPU profile that names functions', async (t) => {
  const taken = takeProfile('profile', never, 0.3);
  const timer = setInterval(() => busy(20), 25);
  const { units, totalOf } = decode(await taken);
  clearInterval(timer);
  t.true(units.includes('nanoseconds'));
  t.true(totalOf('busy', 'nanoseconds') > 0);
});

test.serial('takes a heap profile of the live objects at once', async (t) => {
  const kept = allocate();
  const startedAt = Date.now();
  const { units, totalOf } = decode(await takeProfile('heap', never));
  t.true(Date.now() - startedAt < 5000);
  t.deepEqual(units, ['count', 'bytes']);
  t.true(totalOf('allocate', 'bytes') > 4 * MB, `${totalOf('allocate', 'bytes')} bytes`);
  t.is(kept.length, 200_000);
});

test.serial('leaves older objects out of a heap profile over some seconds', async (t) => {
  const older = allocate();
  const newer: object[][] = [];
  const allocateLater = (): void => {
    newer.push(Array.from({ length: 200_000 }, (_, index) => ({ index, half: index / 2 })));
  };
  const taken = takeProfile('heap', never, 0.3);
  setTimeout(allocateLater, 50);
  const { totalOf } = decode(await taken);
  t.is(totalOf('allocate', 'bytes'), 0);
  t.true(totalOf('allocateLater', 'bytes') > 4 * MB);
  t.is(older.length + newer.length, 200_001);
});

test.serial('rejects a profile while another one is being taken', async (t) => {
  const taken = takeProfile('heap', never, 0.1);
  t.like(await t.throwsAsync(takeProfile('profile', never, 0.1)), { kind: 'conflict' });
  await taken;
  await t.notThrowsAsync(takeProfile('heap', never, 0.01));
});

for (const name of ['profile', 'heap'] as const)
  test.serial(`ends the profile "${name}" when its client leaves`, async (t) => {
    const client = new AbortController();
    const taken = takeProfile(name, client.signal, 60);
    setTimeout(() => client.abort(callerGone()), 50);
    await t.throwsAsync(taken, { message: 'the client disconnected' });
    await t.notThrowsAsync(takeProfile(name, never, 0.01));
    await t.throwsAsync(takeProfile(name, client.signal, 60), { message: 'the client disconnected' });
    await t.notThrowsAsync(takeProfile(name, never, 0.01));
  });

test('rejects every other name of a profile, even toString', (t) => {
  t.true(isProfileName('profile'));
  t.false(isProfileName('toString'));
});
