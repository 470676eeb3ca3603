import { readFile, writeFile } from 'node:fs/promises';
import test from 'ava';
import { STATE_FORMAT } from '../../../../../lib/files/state-format.js';
import { loadRecords, saveRecord } from '../../../../../lib/subagents/qemu/guests/records.js';
import { createLayout } from '../../../../../lib/subagents/qemu/layout.js';
import { silentLog } from '../../../../helpers/sub-agents.js';
import { tempDir } from '../../../../helpers/temp.js';

const ID = '7d3c8f0e-52c1-4c29-9c58-1f1f6d3a2b10';

test('loads records as they were saved, and ignores a broken one', async (t) => {
  const dir = await tempDir(t);
  const layout = createLayout({ dir, runDir: '/r' });
  const record = { definition: { id: ID, memory: 1, cpu: 1, nics: [], disks: [] }, crashed: true };
  const other = ID.replace('7', '8');
  await saveRecord(layout.paths(ID), record);
  await saveRecord(layout.paths(other), record);
  await writeFile(layout.paths(other).record, '{');
  t.deepEqual(await loadRecords(layout, silentLog), [record]);
  t.like(JSON.parse(await readFile(layout.paths(ID).record, 'utf8')), { format: STATE_FORMAT });
});
