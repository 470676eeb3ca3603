import test from 'ava';
import { createLayout } from '../../../../lib/subagents/qemu/layout.js';

const ID = '7d3c8f0e-52c1-4c29-9c58-1f1f6d3a2b10';

test('rejects an id that is not a UUID before it becomes part of a path', (t) => {
  const layout = createLayout({ dir: '/d', runDir: '/r' });
  for (const id of ['../x', '', `{${ID}}`, ID.toUpperCase(), `${ID}/..`]) t.throws(() => layout.paths(id));
});

test('rejects a run directory whose socket paths would be too long', (t) => {
  const longest = `/${'r'.repeat(107 - `/${ID}/qmp-storage.sock`.length - 1)}`;
  t.is(createLayout({ dir: '/d', runDir: longest }).paths(ID).qmpStorage.length, 107);
  t.throws(() => createLayout({ dir: '/d', runDir: `${longest}r` }), { message: /is 1 bytes too long/ });
});

test('looks for disks beside the state directory by default', (t) => {
  t.deepEqual(createLayout({ dir: '/m/qemu', runDir: '/r' }).diskDirs, ['/m/storage/guests']);
  t.deepEqual(createLayout({ dir: '/m/qemu', runDir: '/r', diskDir: ['/a'] }).diskDirs, ['/a']);
});
