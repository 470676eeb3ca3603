import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import { layoutOf } from '../../../lib/subagents/storage/qcow2/layout.js';
import { readTable } from '../../../lib/subagents/storage/qcow2/table.js';
import type { StoredDisk } from '../../../lib/subagents/storage/stored.js';
import { needs } from '../../helpers/needs.js';
import { qemuImg } from '../../helpers/storage.js';
import { tempDir } from '../../helpers/temp.js';

const test = needs('qemu-img', 'prlimit', 'setpriv');

/** Names that need more than a byte a letter, fill entries to any length, or look like an id. */
const NAMES = ['nightly', 'a', '2', 'größer', 'x'.repeat(250), 'before upgrade'];

const makeDisk = async (t: ExecutionContext, compat: '0.10' | '1.1'): Promise<[StoredDisk, string]> => {
  const dir = await tempDir(t);
  const source = join(dir, 'disk-0.qcow2');
  await qemuImg('create', '-q', '-f', 'qcow2', '-o', `compat=${compat}`, source, '64M');
  for (const name of NAMES) await qemuImg('snapshot', '-c', name, source);
  const disk = { index: 0, bus: '', device: '', image: '', requested: 0, size: 64, volume: 'disk', source };
  return [disk, dir];
};

for (const compat of ['1.1', '0.10'] as const) {
  test(`reads the snapshots of a file of compat=${compat} as qemu-img does`, async (t) => {
    const [disk, dir] = await makeDisk(t, compat);
    const { stdout } = await execa('qemu-img', ['info', '--output=json', disk.source]);
    const { snapshots } = JSON.parse(stdout) as { snapshots: Record<string, unknown>[] };
    const table = await readTable(layoutOf(dir), disk);
    t.is(table.length, NAMES.length);
    for (const [index, entry] of table.entries()) {
      const { id, name, 'date-sec': seconds } = snapshots[index] ?? {};
      t.like(entry, { id: String(id), name: String(name), 'date-sec': Number(seconds) });
    }
  });
}

test('leaves it to qemu-img to say what is wrong with a table beyond the end of the file', async (t) => {
  const [disk, dir] = await makeDisk(t, '1.1');
  const file = await open(disk.source, 'r+');
  const offset = Buffer.alloc(8);
  offset.writeBigUInt64BE(2n ** 40n + 1n);
  await file.write(offset, 0, 8, 64);
  await file.close();
  await t.throwsAsync(readTable(layoutOf(dir), disk), { message: /qemu-img info/ });
});
