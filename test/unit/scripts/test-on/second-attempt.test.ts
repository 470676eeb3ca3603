import test from 'ava';
import { partsOf } from '../../../../scripts/test-on/parts.js';
import { countLine, parseOutput, summary } from '../../../../scripts/test-on/results.js';
import { passedAgain, secondAttempt } from '../../../../scripts/test-on/second-attempt.js';

const OUTPUT = `✔ reboot › reboots a guest
✘ linux › boots
✘ Error [ERR_STREAM_PREMATURE_CLOSE]: Premature close
✘ dist/test/system/qemu/console.test.js exited with a non-zero exit code: 1
`;
const [PART] = partsOf(['qemu']);
const QEMU = { part: 'qemu', seconds: 9, passed: false, results: parseOutput('qemu', OUTPUT) };

test('runs failed tests again by their title, and files that ended in the middle whole', (t) => {
  if (!PART) return t.fail();
  t.deepEqual(secondAttempt(PART, QEMU.results), [
    [...PART.command, '--concurrency=1', '--match', '*boots'],
    ['npm', '--silent', 'test', '--', '--concurrency=1', 'dist/test/system/qemu/console.test.js'],
  ]);
});

test('says which tests passed at the second attempt', (t) => {
  const result = passedAgain(QEMU);
  t.is(countLine([result]), '4 passed, 0 failed');
  t.true(summary([result]).includes('passed: linux › boots (at the second attempt)'));
});
