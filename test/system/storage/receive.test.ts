import { createHash, randomBytes } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import { type Received, receive } from '../../../lib/subagents/storage/images/receive.js';
import { Space } from '../../../lib/subagents/storage/images/space.js';
import { needs } from '../../helpers/needs.js';
import { tempDir } from '../../helpers/temp.js';

const test = needs('gzip', 'zstd', 'xz', 'prlimit', 'setpriv');

const PACKERS = [
  ['gzip', '-c'],
  ['zstd', '-cq'],
  ['xz', '-c'],
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
    onBytes: (...count) => counts.push(count),
    ...(largeBytes ? { largeBytes } : {}),
  });
  return { ...received, path, counts };
};

const disk = Buffer.concat([randomBytes(MB), Buffer.alloc(10 * MB), randomBytes(12345)]);

for (const packer of PACKERS) {
  test(`a ${packer[0]} file is unpacked, and its sum and size are those of the packed bytes`, async (t) => {
    const packed = await pack(disk, packer);
    const { path, sha256, counts } = await receiveBytes(t, packed);
    t.true(disk.equals(await readFile(path)));
    t.is(sha256, createHash('sha256').update(packed).digest('hex'));
    t.deepEqual(counts.at(-1), [packed.length, packed.length]);
  });

  test(`a ${packer[0]} file that is cut off is an error`, async (t) => {
    const packed = await pack(disk, packer);
    await t.throwsAsync(receiveBytes(t, packed.subarray(0, -5)), { message: /^cannot be unpacked: / });
  });

  test(`a ${packer[0]} file with rubbish in it is an error`, async (t) => {
    const packed = await pack(disk, packer);
    packed.fill(0x55, 100_000, 101_000);
    await t.throwsAsync(receiveBytes(t, packed), { message: /^cannot be unpacked: / });
  });

  test(`a ${packer[0]} file in another one is refused`, async (t) => {
    const twice = await pack(await pack(disk, packer), packer);
    await t.throwsAsync(receiveBytes(t, twice), { message: /in a compressed one: compress it only once/ });
  });

  test(`a ${packer[0]} bomb is given up while it is unpacked`, async (t) => {
    const bomb = await pack(Buffer.alloc(32 * MB), packer);
    // Far below what is allowed, as a real bomb would keep the machine busy for long.
    await t.throwsAsync(receiveBytes(t, Buffer.concat([bomb]), 4 * MB), {
      message: /^unpacks to more than \d+ MB from \d+ bytes: out of all proportion$/,
    });
  });
}

test('files put together of several compressed ones are unpacked to the end', async (t) => {
  const [one, two] = [disk.subarray(0, 5 * MB), disk.subarray(5 * MB)];
  for (const packer of PACKERS) {
    const { path } = await receiveBytes(t, Buffer.concat([await pack(one, packer), await pack(two, packer)]));
    t.true(disk.equals(await readFile(path)), packer[0]);
  }
});

test('zeros take no room', async (t) => {
  const { path } = await receiveBytes(t, disk);
  const { size, blocks } = await stat(path);
  t.is(size, disk.length);
  t.true(blocks * 512 < 2 * MB, `${blocks} blocks`);
});

test('a source that breaks while it is unpacked is what the error tells', async (t) => {
  const packed = await pack(disk, ['zstd', '-cq']);
  const breaking = async function* (): AsyncGenerator<Buffer> {
    yield packed.subarray(0, MB / 2);
    throw new Error('the line is dead');
  };
  await t.throwsAsync(receiveBytes(t, breaking()), { message: 'the line is dead' });
});

test('an image that cannot be taken in is refused by its first bytes, and no more is read', async (t) => {
  let read = 0;
  const endless = async function* (): AsyncGenerator<Buffer> {
    for (;;) {
      read += 1;
      yield Buffer.concat([Buffer.from('conectix'), Buffer.alloc(MB)]);
    }
  };
  await t.throwsAsync(receiveBytes(t, endless()), { message: /VHD format/ });
  t.true(read < 10);
});

test('what wants more memory to be unpacked than is given is an error that says so', async (t) => {
  const dir = await tempDir(t);
  const path = join(dir, 'zeros');
  await writeFile(path, Buffer.alloc(MB));
  // Of unknown length, so that the window stays as large as it says.
  const { stdout } = await execa('zstd', ['-1', '-cq', '--long=30'], { inputFile: path, encoding: 'buffer' });
  await t.throwsAsync(receiveBytes(t, Buffer.from(stdout)), { message: /memory/i });
});
