import test from 'ava';
import { bitmapName, mergeBack } from '../../../../../lib/subagents/storage/backups/bitmaps.js';
import type { Bitmap, Bitmaps, StoredDisk } from '../../../../../lib/subagents/storage/stored.js';

const DISK: StoredDisk = {
  ...{ index: 0, bus: '', device: '', image: '', requested: 1, size: 1, volume: 'v', source: 's' },
};

interface Kept extends Bitmap {
  blocks: Set<number>;
}

/** The bitmaps of one disk in memory, whose changes fail once `left` of them were made. */
const memory = (kept: Map<string, Kept>, left: { changes: number }): Bitmaps => {
  const find = (name: string): Kept => {
    left.changes -= 1;
    if (left.changes < 0) throw new Error('killed');
    const found = kept.get(name);
    if (!found) throw new Error(`no bitmap ${name}`);
    return found;
  };
  return {
    list: async () => [...kept.values()],
    add: async () => undefined,
    merge: async (_disk, into, from) => {
      const source = find(from).blocks;
      for (const block of source) kept.get(into)?.blocks.add(block);
    },
    enable: async (_disk, name) => {
      find(name).isRecording = true;
    },
    remove: async (_disk, name) => void kept.delete(find(name).name),
  };
};

const bitmap = (backup: string, blocks: number[], isRecording: boolean, isLost = false): [string, Kept] => {
  const name = bitmapName(backup);
  return [name, { name, blocks: new Set(blocks), isRecording, isLost }];
};

for (let changes = 0; changes <= 3; changes += 1)
  test(`a failed backup is undone, also when that is killed after ${changes} changes`, async (t) => {
    const kept = new Map([bitmap('old', [1], false), bitmap('new', [2], true)]);
    await mergeBack(memory(kept, { changes }), [DISK], 'old', 'new').catch(() => undefined);
    await mergeBack(memory(kept, { changes: 9 }), [DISK], 'old', 'new');
    const [base, ...others] = kept.values();
    t.deepEqual(
      [base?.name, [...(base?.blocks ?? [])].sort(), base?.isRecording],
      [bitmapName('old'), [1, 2], true],
    );
    t.deepEqual(others, []);
  });

test('a bitmap that misses changes is removed, so that the next backup reads everything', async (t) => {
  const lost = new Map([bitmap('old', [1], false), bitmap('new', [2], true, true)]);
  await mergeBack(memory(lost, { changes: 9 }), [DISK], 'old', 'new');
  t.is(lost.size, 0);
  const missing = new Map([bitmap('old', [1], false)]);
  await mergeBack(memory(missing, { changes: 9 }), [DISK], 'old', 'new');
  t.is(missing.size, 0);
});

test('a bitmap that has recorded all the while stays', async (t) => {
  const kept = new Map([bitmap('old', [1], true)]);
  await mergeBack(memory(kept, { changes: 9 }), [DISK], 'old', 'new');
  t.deepEqual([...kept.keys()], [bitmapName('old')]);
});
