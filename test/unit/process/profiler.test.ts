import { gunzipSync } from 'node:zlib';
import test from 'ava';
import { isProfileName, takeProfile } from '../../../lib/process/profiler.js';

const busy = (ms: number): void => {
  const until = Date.now() + ms;
  while (Date.now() < until) JSON.parse(JSON.stringify({ a: [1, 2, 3] }));
};

// One at a time: that is what the profiler does.
test.serial('a CPU profile is a gzipped profile.proto that names functions', async (t) => {
  const taken = takeProfile('profile', 0.3);
  const timer = setInterval(() => busy(20), 25);
  const profile = gunzipSync(await taken);
  clearInterval(timer);
  t.true(profile.includes('busy'));
  t.true(profile.includes('nanoseconds'));
});

test.serial('a heap profile is a gzipped profile.proto of bytes', async (t) => {
  const profile = gunzipSync(await takeProfile('heap', 0.05));
  t.true(profile.includes('bytes'));
});

test.serial('only one profile is taken at a time', async (t) => {
  const taken = takeProfile('heap', 0.1);
  t.like(await t.throwsAsync(takeProfile('profile', 0.1)), { kind: 'conflict' });
  await taken;
  await t.notThrowsAsync(takeProfile('heap', 0.01));
});

test('there is no profile of another name, toString included', (t) => {
  t.true(isProfileName('profile'));
  t.false(isProfileName('toString'));
});
