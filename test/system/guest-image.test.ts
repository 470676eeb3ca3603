import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { QmpClient } from '../../lib/qmp/client.js';
import { buildGuestImage } from '../../scripts/guest-image.js';
import { LINUX_PARTS } from '../helpers/linux-guest.js';
import { needs } from '../helpers/needs.js';
import { tempDir } from '../helpers/temp.js';
import { until } from '../helpers/wait.js';

const test = needs(...LINUX_PARTS);

const BOOT_MS = 120_000;

test('builds the guest image once and keeps it', async (t) => {
  const image = await buildGuestImage();
  t.is(await buildGuestImage(), image);
  const { stdout } = await execa('qemu-img', ['check', '--output=json', image]);
  t.is((JSON.parse(stdout) as { 'check-errors': number })['check-errors'], 0);
});

test('the guest image boots, counts its boots on its disk, and reacts to the power button', async (t) => {
  const dir = await tempDir(t);
  const [overlay, socket] = [join(dir, 'disk.qcow2'), join(dir, 'qmp.sock')];
  await execa('qemu-img', [
    'create',
    '-q',
    '-f',
    'qcow2',
    '-b',
    await buildGuestImage(),
    '-F',
    'qcow2',
    overlay,
  ]);

  for (const boot of [1, 2]) {
    const console = join(dir, `console-${boot}`);
    const qemu = execa(
      'qemu-system-x86_64',
      [
        ...['-accel', 'tcg', '-cpu', 'max', '-machine', 'q35', '-m', '96', '-nodefaults', '-display', 'none'],
        ...['-drive', `file=${overlay},format=qcow2,if=virtio`, '-serial', `file:${console}`],
        ...['-qmp', `unix:${socket},server=on,wait=off`],
      ],
      { stdin: 'ignore' },
    );
    t.teardown(() => qemu.kill('SIGKILL'));
    const consoleText = async (): Promise<string> => readFile(console, 'utf8').catch(() => '');
    await until('the guest is up', async () => (await consoleText()).includes('mistify-guest: up'), BOOT_MS);
    const qmp = await QmpClient.connect(socket, { timeoutMs: 10_000 });
    await qmp.execute('system_powerdown');
    await qemu;
    qmp.close();
    const lines = (await consoleText()).match(/mistify-guest: (boot \d+|up|poweroff)/g);
    t.deepEqual(lines, [`mistify-guest: boot ${boot}`, 'mistify-guest: up', 'mistify-guest: poweroff']);
  }
});
