import { createHash, randomBytes } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import { Space } from '../../../lib/subagents/shared/disk/space.js';
import { type Received, receive } from '../../../lib/subagents/storage/images/receive.js';
import { needs } from '../../helpers/needs.js';
import { tempDir } from '../../helpers/temp.js';

const test = needs('gzip', 'bzip2', 'zstd', 'xz', 'prlimit', 'setpriv');

const PACKERS = [
  ['gzip', '-c'],
  ['bzip2', '-c'],
  ['zstd', '-cq'],
  ['xz', '-c'],
  ['lzma', '-c'],
] as const;
const MB = 2 ** 20;

const pack = async (bytes: Buffer, [program, ...args]: readonly string[]): Promise<Buffer> => {
  const { stdout } = await execa(program ?? '', args, { input: bytes, encoding: 'buffer' });
  return Buffer.from(stdout);
};

interface Outcome extends Received {
  path: string;
  counts: [number, number | undefined][];
}

const receiveBytes = async (
  t: ExecutionContext,
  bytes: Buffer | AsyncIterable<Buffer>,
  largeBytes?: number,
): Promise<Outcome> => {
  const dir = await tempDir(t);
  const path = join(dir, 'image');
  const counts: Outcome['counts'] = [];
  const source = Buffer.isBuffer(bytes)
    ? {
        size: bytes.length,
        bytes: (async function* () {
          yield bytes;
        })(),
      }
    : { size: undefined, bytes };
  const received = await receive(source, {
    path,
    claim: new Space(dir).claim(),
    signal: new AbortController().signal,
    algorithms: ['sha256', 'sha512'],
    onBytes: (...count) => counts.push(count),
    ...(largeBytes ? { largeBytes } : {}),
  });
  return { ...received, path, counts };
};

const disk = Buffer.concat([randomBytes(MB), Buffer.alloc(10 * MB), randomBytes(12345)]);

for (const packer of PACKERS) {
  test(`unpacks a ${packer[0]} file, and reports the sums and size of the packed bytes`, async (t) => {
    const packed = await pack(disk, packer);
    const { path, digests, counts } = await receiveBytes(t, packed);
    t.true(disk.equals(await readFile(path)));
    for (const name of ['sha256', 'sha512'] as const)
      t.is(digests[name], createHash(name).update(packed).digest('hex'));
    t.deepEqual(counts.at(-1), [packed.length, packed.length]);
  });

  test(`rejects a truncated ${packer[0]} file`, async (t) => {
    const packed = await pack(disk, packer);
    await t.throwsAsync(receiveBytes(t, packed.subarray(0, -5)), {
      message: /^the file cannot be unpacked: /,
    });
  });

  test(`rejects a damaged ${packer[0]} file`, async (t) => {
    const packed = await pack(disk, packer);
    packed.fill(0x55, 100_000, 101_000);
    await t.throwsAsync(receiveBytes(t, packed), { message: /^the file cannot be unpacked: / });
  });

  test(`rejects a ${packer[0]} file inside a ${packer[0]} file`, async (t) => {
    const twice = await pack(await pack(disk, packer), packer);
    await t.throwsAsync(receiveBytes(t, twice), {
      message: /contains a \w+ file: compress the image only once/,
    });
  });

  test(`stops unpacking a ${packer[0]} bomb`, async (t) => {
    const bomb = await pack(Buffer.alloc(32 * MB), packer);
    // A much lower limit than the real one, since a real bomb would take long.
    await t.throwsAsync(receiveBytes(t, Buffer.concat([bomb]), 4 * MB), {
      message: /^the file unpacks to more than \d+ MB from \d+ bytes, more than 1000 times its size$/,
    });
  });
}

test('unpacks all members of concatenated files', async (t) => {
  const [one, two] = [disk.subarray(0, 5 * MB), disk.subarray(5 * MB)];
  // lzma files cannot be concatenated.
  for (const packer of PACKERS.filter(([program]) => program !== 'lzma')) {
    const { path } = await receiveBytes(t, Buffer.concat([await pack(one, packer), await pack(two, packer)]));
    t.true(disk.equals(await readFile(path)), packer[0]);
  }
});

test('writes zeros as holes', async (t) => {
  const { path } = await receiveBytes(t, disk);
  const { size, blocks } = await stat(path);
  t.is(size, disk.length);
  t.true(blocks * 512 < 2 * MB, `${blocks} blocks`);
});

test('rejects with the error of a source that breaks while it is unpacked', async (t) => {
  const packed = await pack(disk, ['zstd', '-cq']);
  const breaking = async function* (): AsyncGenerator<Buffer> {
    yield packed.subarray(0, MB / 2);
    throw new Error('the line is dead');
  };
  await t.throwsAsync(receiveBytes(t, breaking()), { message: 'the line is dead' });
});

test('rejects an unsupported format by its first bytes and reads no more', async (t) => {
  let read = 0;
  const endless = async function* (): AsyncGenerator<Buffer> {
    for (;;) {
      read += 1;
      yield Buffer.concat([Buffer.from('QED\0'), Buffer.alloc(MB)]);
    }
  };
  await t.throwsAsync(receiveBytes(t, endless()), { message: /QED format/ });
  t.true(read < 10);
});

test('rejects a file that needs too much memory to unpack', async (t) => {
  const dir = await tempDir(t);
  const path = join(dir, 'zeros');
  await writeFile(path, Buffer.alloc(MB));
  // Without a known length, zstd keeps the full window size.
  const { stdout } = await execa('zstd', ['-1', '-cq', '--long=30'], { inputFile: path, encoding: 'buffer' });
  await t.throwsAsync(receiveBytes(t, Buffer.from(stdout)), { message: /memory/i });
});
