import { createHash, randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import { bootLinux, finishJob, importImage } from '../../helpers/agent-linux.js';
import { LINUX_PARTS } from '../../helpers/linux-guest.js';
import { needsInTurn } from '../../helpers/needs.js';
import { startRealAgent } from '../../helpers/real-agent.js';
import { tempDir } from '../../helpers/temp.js';
import { until } from '../../helpers/wait.js';

const test = needsInTurn('genisoimage', 'python3', ...LINUX_PARTS);

const CONTENT = randomBytes(2 ** 20);
const SUM = createHash('md5').update(CONTENT).digest('hex');

/** Makes an ISO image with one file. */
const makeCd = async (t: ExecutionContext): Promise<string> => {
  const dir = await tempDir(t);
  await mkdir(join(dir, 'files'));
  await writeFile(join(dir, 'files/content'), CONTENT);
  const iso = join(dir, 'cd.iso');
  await execa('genisoimage', ['-quiet', '-r', '-V', 'FILES', '-o', iso, join(dir, 'files')]);
  return iso;
};

const MOUNT = 'mkdir -p /cd; mount -t iso9660 -o ro /dev/sr0 /cd 2>&1 && echo mounted';
/** Reads the file from the drive itself. */
const READ = 'echo 3 > /proc/sys/vm/drop_caches; md5sum < /cd/content || echo failed';

/** A Linux with a driver of CD drives, but without udev, which has the CD in its drive mounted. */
const createWithMountedCd = async (t: ExecutionContext) => {
  t.timeout(600_000);
  const agent = await startRealAgent(t);
  const { client } = agent;
  await importImage(agent, 'files', await makeCd(t));
  const { id, run } = await bootLinux(agent, { memory: 192, cdroms: [{ image: 'files' }] }, 'generic');
  t.is(await run(MOUNT), 'mounted');
  t.is(await run(READ), `${SUM} -`);
  return {
    run,
    change: (image: string | null, force = false) =>
      finishJob(agent, client.guests.changeCdrom(id, 'cd0', image, { force })),
    patch: async (body: object) => {
      const path = `${agent.url}/guests/${id}/cdroms/cd0?wait=60`;
      const response = await fetch(path, { method: 'PATCH', body: JSON.stringify(body) });
      return { status: response.status, body: (await response.json()) as Record<string, unknown> };
    },
    drives: async () => (await client.guests.get(id)).cdroms,
    client,
  };
};

test('a CD that the guest has mounted stays in its drive, and comes out once it is unmounted', async (t) => {
  const { run, change, patch, drives } = await createWithMountedCd(t);
  const { status, body } = await patch({ image: null });
  t.is(status, 409);
  t.is(
    body.message,
    'the guest keeps drive cd0 closed, because it uses the CD: unmount the CD in the guest, or open the drive nevertheless (force=true, --force)',
  );
  t.deepEqual(await drives(), [{ device: 'cd0', image: 'files' }]);
  t.is(await run(READ), `${SUM} -`);
  t.is(await run('umount /cd && echo unmounted'), 'unmounted');
  t.is((await change(null)).Message, 'files was taken out of drive cd0');
  t.deepEqual(await drives(), [{ device: 'cd0', image: '' }]);
  t.regex(await run(MOUNT), /No medium found/);
});

test('a CD that the guest has mounted comes out by force, and the drive takes the next one', async (t) => {
  const { run, change, drives, client } = await createWithMountedCd(t);
  t.is((await change(null, true)).Message, 'files was taken out of drive cd0');
  t.deepEqual(await drives(), [{ device: 'cd0', image: '' }]);
  t.regex(await run(READ), /failed/);
  await run('umount /cd');
  t.is((await change('files')).Message, 'files is in drive cd0');
  // QEMU fails the first commands after a change, so that systems that watch the drive notice it. This one does not.
  await until('the guest has mounted the next CD', async () => (await run(MOUNT)) === 'mounted');
  t.is(await run(READ), `${SUM} -`);
  await run('umount /cd');
  await change(null);
  await t.notThrowsAsync(client.images.delete('files'));
});
