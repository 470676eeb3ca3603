import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Accepted, Job } from '../../../lib/client/index.js';
import { needs } from '../../helpers/needs.js';
import { OVMF } from '../../helpers/parts.js';
import { startRealAgent } from '../../helpers/real-agent.js';
import { makeUefiDisk, UEFI_IMAGE_PARTS } from '../../helpers/uefi-image.js';
import { until } from '../../helpers/wait.js';

const test = needs('qemu-system-x86_64', OVMF, ...UEFI_IMAGE_PARTS);

const WAIT_MS = 180_000;

test('a guest whose image needs UEFI gets it, and a rollback brings its variables back', async (t) => {
  t.timeout(WAIT_MS * 4);
  const { client, dbpath } = await startRealAgent(t);
  const imports = join(dbpath, 'storage', 'import');
  await mkdir(imports, { recursive: true });
  await makeUefiDisk(join(imports, 'uefi.raw'));
  const finish = async (accepted: Promise<Accepted<unknown>>): Promise<Job> =>
    client.waitForJob((await accepted).jobId);
  await finish(client.images.fetch({ id: 'uefi', source: `file://${join(imports, 'uefi.raw')}` }));

  const accepted = await client.guests.create({ image: 'uefi', memory: 192 });
  const { id } = accepted.body;
  const job = await client.waitForJob(accepted.jobId);
  t.is(job.Message, 'the guest gets UEFI, because its image uefi boots with nothing else');
  t.is((await client.guests.get(id)).machine?.firmware, 'uefi');

  const powersOff = (): Promise<boolean> =>
    until(
      'the guest has powered off',
      async () => (await client.guests.get(id)).state === 'shutoff',
      WAIT_MS,
    );
  const boots = async (): Promise<string[]> => {
    const text = await readFile(join(dbpath, 'qemu', 'guests', id, 'serial.log'), 'utf8');
    return [...text.matchAll(/mistify-guest: boot (\d+)/g)].map(([, count = '']) => count);
  };
  const snapshots = client.snapshotsOf(id);
  await powersOff();
  await finish(snapshots.create('first'));
  await finish(client.guests.perform(id, 'start'));
  await powersOff();
  await finish(snapshots.rollBack('first'));
  await finish(client.guests.perform(id, 'start'));
  await powersOff();
  t.deepEqual(await boots(), ['1', '2', '2']);
});
