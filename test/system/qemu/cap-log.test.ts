import { existsSync } from 'node:fs';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { capLog } from '../../../lib/subagents/qemu/process/cap-log.js';
import { needs } from '../../helpers/needs.js';
import { tempDir } from '../../helpers/temp.js';

needs(
  'mount',
  'umount',
  'root',
)('truncates a log that is too long on a full disk, without a copy', async (t) => {
  const dir = join(await tempDir(t), 'small');
  await mkdir(dir);
  await execa('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', dir]);
  t.teardown(() => execa('umount', ['-l', dir]));
  const path = join(dir, 'serial.log');
  await writeFile(path, Buffer.alloc(700 * 1024, 'x'));
  await capLog(path, 1000);
  t.is((await stat(path)).size, 0);
  t.false(existsSync(`${path}.1`));
  await t.notThrowsAsync(writeFile(join(dir, 'other'), Buffer.alloc(700 * 1024)));
});
