import test from 'ava';
import { countLine, parseOutput, summary, table } from '../../../../scripts/test-on/results.js';

const OUTPUT = `✔ system › qemu › reboot › reboots a guest
✘ system › qemu › state › keeps the state
    message: expected running
- system › qemu › open-vswitch › tags (skipped: needs ovs-vsctl, root) (skipped)
1..3

Failed:

✘ system › qemu › state › keeps the state
    message: expected running

1 passed, 1 failed, 1 skipped
`;

const QEMU = { part: 'qemu', seconds: 61.4, passed: false, results: parseOutput('qemu', OUTPUT) };
const DEMO = { part: 'demo', seconds: 20, passed: true, results: [] };

test('reads each test once from the output of npm test, with the reason of a skip', (t) => {
  t.deepEqual(QEMU.results, [
    { part: 'qemu', test: 'system › qemu › reboot › reboots a guest', outcome: 'passed' },
    { part: 'qemu', test: 'system › qemu › state › keeps the state', outcome: 'failed' },
    {
      part: 'qemu',
      test: 'system › qemu › open-vswitch › tags',
      outcome: 'skipped',
      reason: 'needs ovs-vsctl, root',
    },
  ]);
});

test('the summary has a row for each part, and a line for each test that did not pass', (t) => {
  t.is(
    summary([DEMO, QEMU]).split('\n').slice(2).join('\n'),
    `| demo | 0 | 0 | 0 | 20 | ok |
| qemu | 1 | 1 | 1 | 61 | FAILED |
failed: system › qemu › state › keeps the state
skipped: system › qemu › open-vswitch › tags (needs ovs-vsctl, root)`,
  );
});

test('the table has a row for each test, and one for a part without tests', (t) => {
  const rows = table('trixie', [DEMO, QEMU]).trimEnd().split('\n').slice(4);
  t.is(rows[0], '| demo | demo | passed |');
  t.is(rows[3], '| qemu | system › qemu › open-vswitch › tags | skipped: needs ovs-vsctl, root |');
});

test('a part without tests counts as one', (t) => {
  t.is(countLine([DEMO, QEMU]), '2 passed, 1 failed, 1 skipped');
});

test('a part that fails without a failed test counts as a failure', (t) => {
  const crashed = { part: 'qemu', seconds: 1, passed: false, results: parseOutput('qemu', '✔ a › b\n') };
  t.is(countLine([crashed]), '1 passed, 1 failed');
});
