import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isRoot } from '../../../lib/process/unprivileged.js';
import { restoreDisk, startTestBackup, TestGuest } from '../../helpers/backup.js';
import { needs } from '../../helpers/needs.js';
import { Random } from '../../helpers/random.js';
import { tempDir } from '../../helpers/temp.js';

const MB = 2 ** 20;
const SFTP_SERVER = '/usr/lib/openssh/sftp-server';

needs(
  'restic',
  'qemu-nbd',
  'qemu-img',
  'qemu-io',
  SFTP_SERVER,
)('a repository over SFTP takes a backup, an increment, their restore, a check and a prune', async (t) => {
  const dir = await tempDir(t);
  await chmod(dir, 0o755);
  const path = join(dir, 'repository');
  await mkdir(path);
  await chmod(path, 0o777);
  const backup = await startTestBackup(t, {
    repository: `sftp:user@host:${path}`,
    resticOption: [`sftp.command=${SFTP_SERVER}`],
    // Neither ssh nor its server runs without an entry in /etc/passwd.
    ...(isRoot() ? { resticUser: 'nobody' } : {}),
  });
  const guest = await TestGuest.create(t, 32 * MB);
  await guest.disk.scatter(new Random(1), 100);
  const first = await guest.backUp(backup);
  await guest.disk.fill([10], 0x42);
  const second = await guest.backUp(backup);
  t.is(second.backup.whole, undefined);
  t.is(await (await restoreDisk(t, backup, second.backup)).content(), await guest.disk.content());
  await backup.call('Delete', { backup: first.backup.id });
  await backup.call('Prune', {});
  t.true((await backup.call('Verify', { backup: second.backup.id })).backup.verified?.ok);
});
