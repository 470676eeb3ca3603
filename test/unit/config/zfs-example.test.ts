import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { packageRoot } from '../../../lib/files/package-root.js';

const read = async (name: string): Promise<Record<'actions' | 'services', Record<string, object>>> =>
  JSON.parse(await readFile(join(packageRoot, 'config', name), 'utf8'));

test('the example for ZFS differs from the default in the options of two services only', async (t) => {
  const [usual, zfs] = [await read('agent.json'), await read('zfs.json')];
  t.deepEqual(zfs.actions, usual.actions);
  t.deepEqual(zfs.services, {
    ...usual.services,
    storage: {
      ...usual.services.storage,
      command: ['mistify-storage', '--backend', 'zfs', '--pool', 'tank'],
    },
    qemu: { ...usual.services.qemu, command: ['mistify-qemu', '--disk-dir', '/tank/guests'] },
  });
});
