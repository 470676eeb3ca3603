import { createHash, randomBytes } from 'node:crypto';
import test from 'ava';
import { MB } from '../../../../../lib/model/units.js';
import { Digester } from '../../../../../lib/subagents/shared/download/digester.js';

const sum = (name: string, bytes: Buffer): string => createHash(name).update(bytes).digest('hex');

const SIZES = {
  'an empty file': 0,
  'a file shorter than a block': 1000,
  'a file of whole blocks that needs no thread': 4 * MB,
  'a file that needs a thread': 9 * MB + 7,
};

for (const [what, size] of Object.entries(SIZES))
  test(`calculates both sums of ${what}`, async (t) => {
    const bytes = randomBytes(size);
    const digester = new Digester(['sha256', 'sha512']);
    // Pieces that fit into blocks in no even number.
    for (let at = 0; at < size; at += 777_777) await digester.update(bytes.subarray(at, at + 777_777));
    t.deepEqual(await digester.digests(), { sha256: sum('sha256', bytes), sha512: sum('sha512', bytes) });
  });

test('lets the caller reuse bytes once they are added', async (t) => {
  const digester = new Digester(['sha256']);
  const piece = Buffer.alloc(MB);
  for (let value = 0; value < 8; value += 1) await digester.update(piece.fill(value));
  const all = Buffer.concat(Array.from({ length: 8 }, (_, value) => Buffer.alloc(MB, value)));
  t.deepEqual(await digester.digests(), { sha256: sum('sha256', all) });
});

test('can be closed in the middle of a file', async (t) => {
  const digester = new Digester(['sha256']);
  await digester.update(Buffer.alloc(6 * MB));
  digester.close();
  t.notThrows(() => digester.close());
});
