import test from 'ava';
import { SharedClient } from '../../../../../lib/subagents/qemu/console/shared-client.js';

/** What QEMU gets of a client's bytes, sent in pieces of a size. */
const passed = async (bytes: Buffer, size: number): Promise<Buffer> => {
  const client = new SharedClient();
  for (let at = 0; at < bytes.length; at += size) client.write(bytes.subarray(at, at + size));
  client.end();
  return Buffer.concat(await client.toArray());
};

/** A client of a version of RFB that asks for exclusive access, and then for an update of the screen. */
const exclusive = (version: string, choice: number[]): Buffer =>
  Buffer.concat([Buffer.from(`RFB ${version}\n`), Buffer.from([...choice, 0, 3, 0, 0, 0])]);

for (const [version, choice] of [
  ['003.003', []],
  ['003.007', [1]],
  ['003.008', [1]],
] as const)
  for (const size of [1, 5, 13, 14, 100])
    test(`lets a client of RFB ${version} share the screen, sent in pieces of ${size} bytes`, async (t) => {
      const sent = exclusive(version, [...choice]);
      const expected = Buffer.from(sent);
      expected[12 + choice.length] = 1;
      t.deepEqual(await passed(sent, size), expected);
    });

test('passes on a client that leaves early', async (t) => {
  t.deepEqual(await passed(Buffer.from('RFB 003.'), 3), Buffer.from('RFB 003.'));
  t.deepEqual(await passed(Buffer.alloc(0), 1), Buffer.alloc(0));
});
