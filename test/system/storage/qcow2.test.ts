import { once } from 'node:events';
import { execa } from 'execa';
import { qcow2Backend } from '../../helpers/qcow2-backend.js';
import { createGuest, snapshotRequest } from '../../helpers/storage.js';
import { GUEST_ID } from '../../helpers/sub-agents.js';
import { disksSuite } from './suites/disks.js';
import { downloadSuite } from './suites/download.js';
import { imagesSuite } from './suites/images.js';
import { liveSuite } from './suites/live.js';
import { recoverSuite } from './suites/recover.js';
import { snapshotsSuite } from './suites/snapshots.js';

const { test, start } = qcow2Backend;
const GUEST = `guests/${GUEST_ID}`;

imagesSuite(qcow2Backend);
disksSuite(qcow2Backend);
snapshotsSuite(qcow2Backend);
downloadSuite(qcow2Backend);
liveSuite(qcow2Backend);
recoverSuite(qcow2Backend);

test('takes no snapshot when one of the disks fails', async (t) => {
  const storage = await start(t);
  const disks = await createGuest(storage, [{ size: 1 }, { size: 1 }]);
  // qemu-io prompts for a command once it has opened the file, and keeps it open.
  const path = disks[1]?.source ?? '';
  const holder = execa('qemu-io', ['-f', 'qcow2', path], { reject: false, stdin: 'pipe' });
  t.teardown(() => void holder.kill());
  await once(holder.stdout, 'data');
  const request = snapshotRequest(GUEST, { dest: 'one' });
  await t.throwsAsync(storage.call('CreateSnapshot', request), { message: /in use by an unknown process/ });
  t.deepEqual((await storage.call('ListSnapshots', snapshotRequest(GUEST))).snapshots, []);
});
