import test from 'ava';
import { mergePatch } from '../../../lib/portable/merge-patch.js';

test('names only what differs, and removes with null', (t) => {
  const before = {
    user: '1',
    command: ['a'],
    env: { A: '1', B: '2' },
    ports: [{ port: 80, hostPort: 8080 }],
  };
  const after = { command: ['a', 'b'], env: { A: '1', C: '3' }, ports: [{ hostPort: 8080, port: 80 }] };
  t.deepEqual(mergePatch(before, after), { user: null, command: ['a', 'b'], env: { B: null, C: '3' } });
  t.deepEqual(mergePatch(before, before), {});
});

test('replaces a value by one of another type', (t) => {
  t.deepEqual(mergePatch({ command: 'sleep 9', env: { A: '1' } }, { command: ['sleep', '9'] }), {
    command: ['sleep', '9'],
    env: null,
  });
  t.deepEqual(mergePatch({}, { env: { A: '1' } }), { env: { A: '1' } });
});
