import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { packageRoot } from '../../../lib/files/package-root.js';
import { startTestBackup, TestGuest } from '../../helpers/backup.js';
import { sha256 } from '../../helpers/backup-disk.js';
import { needs } from '../../helpers/needs.js';
import { Random } from '../../helpers/random.js';
import { restic } from '../../helpers/restic.js';
import { qemuImg } from '../../helpers/storage.js';
import { GUEST_ID } from '../../helpers/sub-agents.js';
import { tempDir } from '../../helpers/temp.js';

const MB = 2 ** 20;

/** Returns the commands of a section of docs/backup.md. */
const commandsIn = async (section: string): Promise<string> => {
  const text = await readFile(join(packageRoot, 'docs/backup.md'), 'utf8');
  const [, after = ''] = text.split(`\n${section}\n`);
  const [, commands] = /```sh\n(.*?)```/s.exec(after) ?? [];
  if (commands === undefined) throw new Error(`docs/backup.md has no commands in "${section}"`);
  return commands;
};

needs(
  'restic',
  'qemu-nbd',
  'qemu-img',
  'qemu-io',
  'tar',
)(
  'the commands of docs/backup.md restore a disk and check its chunks with restic and qemu-img alone',
  async (t) => {
    const backup = await startTestBackup(t);
    const guest = await TestGuest.create(t, 32 * MB + 65_536);
    await guest.disk.scatter(new Random(3), 60);
    await guest.disk.fill([512], 0x42);
    await guest.backUp(backup);
    await guest.disk.fill([7], 0x43);
    await guest.backUp(backup);
    const [latest] = JSON.parse(await restic(backup.dir, 'snapshots', '--json', '--latest', '1')) as {
      id: string;
    }[];
    const dir = await tempDir(t);
    const run = async (section: string): Promise<string> => {
      const env = {
        RESTIC_REPOSITORY: join(backup.dir, 'repository'),
        RESTIC_PASSWORD_FILE: join(backup.dir, 'key'),
        RESTIC_CACHE_DIR: join(dir, 'cache'),
        SNAPSHOT: latest?.id ?? '',
        GUEST: GUEST_ID,
        DISK: '0',
      };
      return (await execa('bash', ['-euc', await commandsIn(section)], { cwd: dir, env })).stdout;
    };
    await run('### A disk by hand');
    const raw = join(dir, 'again.raw');
    await qemuImg('convert', '-O', 'raw', join(dir, 'disk.qcow2'), raw);
    t.is(await sha256(raw), await guest.disk.content());
    t.regex(await run('### Checking by hand'), /disks\/0\/0000\/0000000: OK/);
  },
);
