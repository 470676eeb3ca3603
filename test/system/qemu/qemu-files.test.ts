import { constants } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { QmpClient } from '../../../lib/qmp/client.js';
import { createLayout } from '../../../lib/subagents/qemu/layout.js';
import { addFile, removeFile } from '../../../lib/subagents/shared/qemu-files.js';
import { needs } from '../../helpers/needs.js';
import { QemuHost, TINY } from '../../helpers/qemu.js';

const test = needs('qemu-system-x86_64', 'python3');

test('passes a file that QEMU has no permission for to a running QEMU', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('Create', { id, ...TINY });
  const path = join(host.dir, 'medium');
  await writeFile(path, Buffer.alloc(4096), { mode: 0o600 });
  const paths = createLayout({ dir: join(host.dir, 'qemu'), runDir: join(host.dir, 'run') }).paths(id);

  const filename = await addFile(paths, path, constants.O_RDONLY);
  const qemu = await QmpClient.connect(paths.qmpStorage);
  t.teardown(() => qemu.close());
  const file = { driver: 'file', filename };
  await qemu.execute('blockdev-add', { driver: 'raw', 'node-name': 'medium', 'read-only': true, file });
  await qemu.execute('blockdev-del', { 'node-name': 'medium' });

  await removeFile(qemu, filename);
  await t.throwsAsync(
    qemu.execute('blockdev-add', { driver: 'raw', 'node-name': 'medium', 'read-only': true, file }),
  );
  await t.notThrowsAsync(removeFile(qemu, filename), 'a set that is gone is no error');
});
