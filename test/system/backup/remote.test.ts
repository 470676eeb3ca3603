import { chmod, copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import S3rver from 's3rver';
import { isRoot } from '../../../lib/process/unprivileged.js';
import { restoreDisk, startTestBackup, type TestBackup, TestGuest } from '../../helpers/backup.js';
import { makeCertificate } from '../../helpers/certificates.js';
import { needs } from '../../helpers/needs.js';
import { freePort } from '../../helpers/ports.js';
import { Random } from '../../helpers/random.js';
import { tempDir } from '../../helpers/temp.js';

const MB = 2 ** 20;
const PARTS = ['restic', 'qemu-nbd', 'qemu-img', 'qemu-io'] as const;
const SFTP_SERVER = '/usr/lib/openssh/sftp-server';

/** A backup, an increment, their restore, a check and a prune. */
const requireAll = async (t: ExecutionContext, backup: TestBackup): Promise<void> => {
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
};

/** A directory that restic's user may enter. */
const openDir = async (t: ExecutionContext): Promise<string> => {
  const dir = await tempDir(t);
  await chmod(dir, 0o755);
  return dir;
};

needs(...PARTS, SFTP_SERVER)(
  'a repository over SFTP takes backups, restores, checks and prunes',
  async (t) => {
    const path = join(await openDir(t), 'repository');
    await mkdir(path);
    await chmod(path, 0o777);
    const backup = await startTestBackup(t, {
      repository: `sftp:user@host:${path}`,
      resticOption: [`sftp.command=${SFTP_SERVER}`],
      // Neither ssh nor its server runs without an entry in /etc/passwd.
      ...(isRoot() ? { resticUser: 'nobody' } : {}),
    });
    await requireAll(t, backup);
  },
);

needs(...PARTS, 'openssl')('a repository in S3 takes the same, with its keys from a file', async (t) => {
  const dir = await openDir(t);
  const { certFile, keyFile } = await makeCertificate(dir, 'localhost');
  const cacert = join(dir, 'ca.pem');
  await copyFile(certFile, cacert);
  await chmod(cacert, 0o644);
  const port = await freePort();
  const store = new S3rver({
    ...{ port, address: '127.0.0.1', silent: true, directory: join(dir, 'store') },
    // Over plain HTTP it stores restic's framing of signed chunks as content.
    ...{ key: await readFile(keyFile), cert: await readFile(certFile) },
    configureBuckets: [{ name: 'backups', configs: [] }],
  });
  await store.run();
  t.teardown(() => store.close());
  const environmentFile = join(dir, 'backup.env');
  await writeFile(environmentFile, '# keys\nAWS_ACCESS_KEY_ID=S3RVER\nAWS_SECRET_ACCESS_KEY=S3RVER\n');
  const repository = `s3:https://localhost:${port}/backups`;
  await requireAll(t, await startTestBackup(t, { repository, environmentFile, cacert }));
});
