import test from 'ava';
import { stateOf } from '../../../../../lib/subagents/qemu/guests/state.js';

test('translates QEMU’s run states to the contract’s', (t) => {
  t.is(stateOf('running'), 'running');
  t.is(stateOf('save-vm'), 'running');
  t.is(stateOf('io-error'), 'paused');
  t.is(stateOf('internal-error'), 'crashed');
  t.is(stateOf('toString'), 'unknown');
});
