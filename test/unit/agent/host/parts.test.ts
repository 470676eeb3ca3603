import test from 'ava';
import { partsOf } from '../../../../lib/agent/host/parts.js';
import { DEFAULT_CONFIG, loadConfig } from '../../../../lib/config/load.js';

test('names what each sub-agent of the default config looks after, by its actions', async (t) => {
  const parts = partsOf(await loadConfig([DEFAULT_CONFIG]));
  t.deepEqual(parts.map(({ name }) => name).sort(), [
    ...['backups', 'containers', 'images and disks', 'virtual machines'],
  ]);
  t.true(parts.find(({ name }) => name === 'virtual machines')?.services.includes('qemuVnc'));
});
