import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import test from 'ava';
import fc from 'fast-check';
import tar from 'tar-stream';
import { tarEntries } from '../../../../../lib/subagents/shared/download/tar-entries.js';

type File = [name: string, content: string];

const pack = (files: readonly File[], headers: Partial<tar.Header> = {}): Promise<Buffer> => {
  const archive = tar.pack();
  for (const [name, content] of files) archive.entry({ ...headers, name }, content);
  archive.finalize();
  return buffer(archive);
};

/** Cuts bytes into chunks of a size. */
const inChunks = (bytes: Buffer, size: number): Readable =>
  Readable.from(
    Array.from({ length: Math.ceil(bytes.length / size) }, (_, n) =>
      bytes.subarray(n * size, (n + 1) * size),
    ),
    { objectMode: false },
  );

const read = async (bytes: Buffer, size = 100): Promise<File[]> => {
  const found: File[] = [];
  for await (const entry of tarEntries(inChunks(bytes, size))) {
    const content = Buffer.concat(await Readable.from(entry.bytes).toArray());
    found.push([entry.name, content.toString()]);
  }
  return found;
};

test('reads the files of any archive, however its bytes arrive', async (t) => {
  const files = fc.array(fc.tuple(fc.stringMatching(/^[a-z]{1,150}$/), fc.string({ maxLength: 2000 })), {
    maxLength: 5,
  });
  await fc.assert(
    fc.asyncProperty(files, fc.integer({ min: 1, max: 3000 }), async (all, size) => {
      t.deepEqual(await read(await pack(all), size), all);
    }),
    { numRuns: 50 },
  );
});

test('rejects an archive that breaks off anywhere but between files', async (t) => {
  const whole = await pack([['a', 'x'.repeat(700)]]);
  for (const length of [100, 512, 600, 1200, 1500])
    await t.throwsAsync(read(whole.subarray(0, length)), { message: /breaks off/ });
  t.deepEqual(await read(whole.subarray(0, 1536)), [['a', 'x'.repeat(700)]]);
});

test('rejects bytes that are no archive, and headers that were changed', async (t) => {
  await t.throwsAsync(read(Buffer.alloc(1024, 'x')), { message: /damaged, or no tar archive/ });
  const changed = await pack([['a', 'b']]);
  changed[0] = 0x62;
  await t.throwsAsync(read(changed), { message: /damaged/ });
});

test('rejects links and devices', async (t) => {
  for (const type of ['symlink', 'link', 'character-device'] as const) {
    const archive = tar.pack();
    archive.entry({ name: 'evil', type, linkname: '/etc/passwd' });
    archive.finalize();
    await t.throwsAsync(read(await buffer(archive)), { message: /something other than files: evil/ });
  }
});

test('keeps no more attributes of a file in memory than are plausible', async (t) => {
  const archive = await pack([['a', 'b']], { pax: { comment: 'x'.repeat(100_000) } } as Partial<tar.Header>);
  await t.throwsAsync(read(archive), { message: /bytes of attributes/ });
});

test('reads the size of a huge file', async (t) => {
  const archive = tar.pack();
  archive.entry({ name: 'huge', size: 100 * 2 ** 30 });
  const chunks = archive[Symbol.asyncIterator]();
  const { value } = await chunks.next();
  const entries = tarEntries(Readable.from([value], { objectMode: false }));
  t.is((await entries.next()).value?.size, 100 * 2 ** 30);
  archive.destroy();
});
