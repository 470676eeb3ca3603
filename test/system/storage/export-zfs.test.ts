import avaTest from 'ava';
import { needsInTurn } from '../../helpers/needs.js';
import { missingParts } from '../../helpers/parts.js';
import { createPool, type TestPool, ZFS_PARTS } from '../../helpers/zfs.js';
import { zfsBackend } from '../../helpers/zfs-backend.js';
import { exportSuite } from './suites/export.js';
import { importSuite } from './suites/import.js';
import { ovaSuite } from './suites/ova.js';

let shared: TestPool | undefined;

const pool = (): TestPool => {
  if (!shared) throw new Error('the pool does not exist yet');
  return shared;
};

const PARTS = ['qemu-img', 'qemu-io', 'qemu-system-x86_64', ...ZFS_PARTS];

if (missingParts(...PARTS).length === 0) {
  avaTest.before(async () => {
    shared = await createPool();
  });
  avaTest.after.always(() => shared?.destroy());
}

const backend = zfsBackend(needsInTurn(...PARTS), pool);

exportSuite(backend);
importSuite(backend);
ovaSuite(backend);
