import test from 'ava';
import { collectAsPassed } from '../../lib/young-garbage.js';

const MB = 1024 * 1024;
const CHUNK = 64 * 1024;

test('buffers that have been passed on do not pile up', (t) => {
  const before = process.memoryUsage().arrayBuffers;
  let most = 0;
  for (let passed = 0; passed < 256 * MB; passed += CHUNK) {
    collectAsPassed(Buffer.allocUnsafeSlow(CHUNK).length);
    most = Math.max(most, process.memoryUsage().arrayBuffers - before);
  }
  t.true(most < 12 * MB, `${Math.round(most / MB)} MB`);
});
