import '../../helpers/faulty-disk.js';

import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { packageRoot } from '../../../lib/files/package-root.js';
import { STATE_FORMAT } from '../../../lib/files/state-format.js';
import { GuestStore } from '../../../lib/store/guest-store.js';
import { upgradeState } from '../../../lib/store/upgrade.js';
import { withFaults } from '../../helpers/faulty-disk.js';
import { silentLog } from '../../helpers/sub-agents.js';
import { tempDir } from '../../helpers/temp.js';

// Guarantees: G44.

test('reads a state without room for its upgrade, and upgrades it at the next start', async (t) => {
  const dbpath = join(await tempDir(t), 'db');
  await cp(join(packageRoot, 'test/fixtures/state-of-480ae54'), dbpath, { recursive: true });
  const journal = () => readFile(join(dbpath, 'guests.db'), 'utf8');
  const before = await journal();
  await withFaults(
    dbpath,
    (operation) => (operation === 'open' ? undefined : { code: 'ENOSPC', written: 0 }),
    () => upgradeState(dbpath, silentLog),
  );
  t.is(await journal(), before);
  const guests = await GuestStore.open(join(dbpath, 'guests.db'));
  t.is(guests.list().length, 2);
  await guests.close();
  await upgradeState(dbpath, silentLog);
  t.regex(await journal(), new RegExp(`^.*"format":${STATE_FORMAT}`));
});
