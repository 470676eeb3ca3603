import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import avaTest from 'ava';
import type { Backend } from '../../helpers/backends.js';
import { needsInTurn } from '../../helpers/needs.js';
import { missingParts } from '../../helpers/parts.js';
import { createGuest } from '../../helpers/storage.js';
import { GUEST_ID } from '../../helpers/sub-agents.js';
import { createPool, type TestPool, ZFS_PARTS, zfs } from '../../helpers/zfs.js';
import { zfsBackend } from '../../helpers/zfs-backend.js';
import { useZvolStandIn } from '../../helpers/zvols.js';
import { diskChangesSuite } from './suites/disk-changes.js';
import { disksSuite } from './suites/disks.js';
import { downloadSuite } from './suites/download.js';

const PARTS = ['qemu-img', 'qemu-io', 'qemu-system-x86_64', ...ZFS_PARTS];
const test = needsInTurn(...PARTS);

let pool: TestPool | undefined;
let dir = '';
let devices = '';

if (missingParts(...PARTS).length === 0) {
  avaTest.before(async () => {
    pool = await createPool();
    dir = await mkdtemp(join(tmpdir(), 'mtv-'));
    devices = await useZvolStandIn(dir);
  });
  avaTest.after.always(async () => {
    await pool?.destroy();
    await rm(dir, { recursive: true, force: true });
  });
}

const files = zfsBackend(
  test,
  () => pool as TestPool,
  () => ({ zvolDir: devices }),
);

/** The ZFS back end of a host with volumes. */
const volumes: Backend = {
  ...files,
  source: (storage, index) => join(devices, files.part(storage).dataset, 'guests', GUEST_ID, `disk-${index}`),
};

disksSuite(volumes);
diskChangesSuite(volumes);
downloadSuite(volumes);

test('a store keeps the kind of disks that it started with', async (t) => {
  const storage = await volumes.start(t);
  const { dataset } = files.part(storage);
  t.regex(await zfs('get', '-H', '-o', 'value', 'mistify:disks', dataset), /^volumes$/);
  await zfs('set', 'mistify:disks=files', dataset);
  const again = await files.startAgain(t, storage);
  t.regex((await createGuest(again, [{ size: 1 }]))[0]?.source ?? '', /\/disk-0\/disk$/);
});
