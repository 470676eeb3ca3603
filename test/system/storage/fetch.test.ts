import { createHash, randomBytes } from 'node:crypto';
import { readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import { serveFile } from '../../helpers/file-server.js';
import { needs } from '../../helpers/needs.js';
import { asDisk } from '../../helpers/raw-disk.js';
import { qemuImg, qemuIo, serveHttp, startTestStorage, type TestStorage } from '../../helpers/storage.js';
import { tempDir } from '../../helpers/temp.js';
import { gate } from '../../helpers/wait.js';

const test = needs('qemu-img', 'qemu-io', 'gzip', 'bzip2', 'zstd', 'xz', 'prlimit', 'setpriv');

const MB = 2 ** 20;
const OTHER_SUM = '0'.repeat(64);

const sum = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

const request = (id: string, source: string, sha256?: string, rest: object = {}): object => ({
  id,
  type: 'kvm',
  dest: '',
  source,
  ...(sha256 ? { sha256 } : {}),
  ...rest,
});

/** Creates a 3 MB qcow2 image whose second MB is filled with 0x42. */
const makeImage = async (t: ExecutionContext): Promise<string> => {
  const path = join(await tempDir(t), 'disk.qcow2');
  await qemuImg('create', '-q', '-f', 'qcow2', path, '3M');
  await qemuIo(path, 'write -P 0x42 1M 1M');
  return path;
};

const assertEmpty = async (t: ExecutionContext, { dir }: TestStorage): Promise<void> => {
  for (const part of ['images', 'tmp', 'sums']) t.deepEqual(await readdir(join(dir, part)), [], part);
};

for (const [program, ...args] of [['gzip'], ['bzip2'], ['zstd', '-q'], ['xz'], ['lzma']] as const) {
  for (const format of ['qcow2', 'raw', 'vmdk']) {
    test(`detects a ${format} image compressed with ${program} by its content`, async (t) => {
      const storage = await startTestStorage(t);
      const path = await makeImage(t);
      await qemuImg('convert', '-f', 'qcow2', '-O', format, path, `${path}.${format}`);
      const options = { inputFile: `${path}.${format}`, encoding: 'buffer' } as const;
      const packed = Buffer.from((await execa(program, [...args, '-c'], options)).stdout);
      const { url } = await serveFile(t, packed);
      const { images } = await storage.call(
        'RequestImage',
        request('a', `${url}/a.img`, sum(packed), { format }),
      );
      t.is(images[0]?.size, 3);
      await t.notThrowsAsync(qemuIo(join(storage.dir, 'images', 'a.qcow2'), 'read -P 0x42 1M 1M'));
      await t.notThrowsAsync(qemuIo(join(storage.dir, 'images', 'a.qcow2'), 'read -P 0 2M 1M'));
    });
  }
}

test('rejects a file with another sum, and reports both sums', async (t) => {
  const storage = await startTestStorage(t);
  const bytes = asDisk(randomBytes(MB));
  const { url } = await serveFile(t, bytes);
  await t.throwsAsync(storage.call('RequestImage', request('a', `${url}/a`, OTHER_SUM)), {
    message: `image a: the fetched file has the sha256 ${sum(bytes)}, not ${OTHER_SUM}`,
  });
  await assertEmpty(t, storage);
  await t.notThrowsAsync(storage.call('RequestImage', request('a', `${url}/a`, sum(bytes).toUpperCase())));
});

test('resumes a broken connection and checks the sum of the whole file', async (t) => {
  const storage = await startTestStorage(t);
  const bytes = asDisk(randomBytes(MB));
  const { url, requests } = await serveFile(t, bytes, { breakAt: [300_000] });
  await storage.call('RequestImage', request('a', `${url}/a`, sum(bytes)));
  t.regex(requests[1]?.headers.range ?? '', /^bytes=[1-9]\d*-$/);
});

test('starts over when the server cannot resume', async (t) => {
  const storage = await startTestStorage(t);
  const bytes = asDisk(randomBytes(MB));
  const { url, requests } = await serveFile(t, bytes, { breakAt: [300_000], ranges: false });
  await storage.call('RequestImage', request('a', `${url}/a`, sum(bytes)));
  t.is(requests.length, 3);
});

test('fetches an image without a source from the image server by its id', async (t) => {
  const { url, requests } = await serveFile(t, asDisk(randomBytes(MB)));
  const storage = await startTestStorage(t, undefined, { imageServer: `${url}/store/` });
  const { images } = await storage.call('RequestImage', request('debian/12:1', ''));
  t.is(images[0]?.status, 'complete');
  t.is(requests[0]?.url, '/store/images/debian%2F12%3A1/download');
});

test('rejects an image without a source when no image server is configured', async (t) => {
  const storage = await startTestStorage(t);
  await t.throwsAsync(storage.call('RequestImage', request('a', '')), {
    message: /^image a: no source given and no image server/,
  });
});

test('rejects a second fetch of an image from another source or for another sum', async (t) => {
  const storage = await startTestStorage(t);
  const { opened, open } = gate();
  const asked = gate();
  const url = await serveHttp(t, (_, response) => {
    asked.open();
    void opened.then(() => response.end(asDisk(Buffer.alloc(MB, 1))));
  });
  const first = storage.call('RequestImage', request('a', `${url}/a?token=secret`));
  await asked.opened;
  await t.throwsAsync(storage.call('RequestImage', request('a', `${url}/b`)), {
    message: `image a is being fetched from ${url}/a without a sha256: wait until that fetch has ended`,
  });
  await t.throwsAsync(storage.call('RequestImage', request('a', `${url}/a?token=secret`, OTHER_SUM)), {
    message: /is being fetched/,
  });
  open();
  t.is((await first).images[0]?.status, 'complete');
});

test('rejects an image whose tables refer to one cluster over and over', async (t) => {
  const storage = await startTestStorage(t);
  const path = join(storage.importDir, 'bomb.qcow2');
  await qemuImg('create', '-q', '-f', 'qcow2', path, '512G');
  await qemuIo(path, 'write -P 1 0 64k');
  // All L1 entries point to the same L2 table, and all its entries to the same cluster.
  const bytes = await readFile(path);
  const l1 = Number(bytes.readBigUInt64BE(40));
  const l2 = Number(bytes.readBigUInt64BE(l1) & 0x00fffffffffffe00n);
  for (let entry = 1; entry < 8192; entry += 1) bytes.copy(bytes, l2 + entry * 8, l2, l2 + 8);
  for (let entry = 1; entry < 1024; entry += 1) bytes.copy(bytes, l1 + entry * 8, l1, l1 + 8);
  await writeFile(path, bytes);
  await t.throwsAsync(storage.call('RequestImage', request('a', path)), {
    message:
      /^image a: the file unpacks to more than 52\d{4} MB from \d+ bytes, more than 1000 times its size$/,
  });
  await assertEmpty(t, storage);
});

test('rejects a truncated image', async (t) => {
  const storage = await startTestStorage(t);
  const whole = await makeImage(t);
  await qemuIo(whole, 'write -P 0x43 2M 1M');
  for (const format of ['qcow2', 'vmdk']) {
    const path = join(storage.importDir, `cut.${format}`);
    await qemuImg('convert', '-f', 'qcow2', '-O', format, whole, path);
    await truncate(path, (await stat(path)).size - MB);
    await t.throwsAsync(storage.call('RequestImage', request('a', path)), {
      message: /^image a: the image is damaged or incomplete: qemu-img check: /,
    });
  }
  await assertEmpty(t, storage);
});

test('accepts an image with leaked clusters', async (t) => {
  const storage = await startTestStorage(t);
  const path = join(storage.importDir, 'leaky.qcow2');
  await qemuImg('create', '-q', '-f', 'qcow2', path, '3M');
  await qemuIo(path, 'write -P 0x42 1M 1M');
  // Without its L2 entry, the first written cluster is leaked.
  const bytes = await readFile(path);
  const l2 = Number(bytes.readBigUInt64BE(Number(bytes.readBigUInt64BE(40))) & 0x00fffffffffffe00n);
  bytes.fill(0, l2 + 16 * 8, l2 + 17 * 8);
  await writeFile(path, bytes);
  await t.notThrowsAsync(storage.call('RequestImage', request('a', path)));
});

/** Creates an image that a killed program wrote to with lazy refcounts: all of them are missing. */
const makeStale = async (t: ExecutionContext): Promise<string> => {
  const path = join(await tempDir(t), 'stale.qcow2');
  await qemuImg('create', '-q', '-f', 'qcow2', '-o', 'lazy_refcounts=on', path, '8M');
  const commands = ['write -P 0x42 1M 2M', 'flush', 'sigraise 9'].flatMap((command) => ['-c', command]);
  await execa('qemu-io', ['-f', 'qcow2', ...commands, path], { reject: false });
  const { exitCode } = await execa('qemu-img', ['check', '-q', path], { reject: false });
  t.is(exitCode, 2);
  return path;
};

test('repairs an image with stale refcounts and no other damage, and leaves the source as it is', async (t) => {
  const storage = await startTestStorage(t);
  const path = join(storage.importDir, 'stale.qcow2');
  const bytes = await readFile(await makeStale(t));
  await writeFile(path, bytes);
  await storage.call('RequestImage', request('a', path, sum(bytes)));
  await t.notThrowsAsync(qemuIo(join(storage.dir, 'images', 'a.qcow2'), 'read -P 0x42 1M 2M'));
  t.true(bytes.equals(await readFile(path)));
});

test('rejects a truncated image whose refcounts are also stale', async (t) => {
  const storage = await startTestStorage(t);
  const path = join(storage.importDir, 'stale.qcow2');
  await writeFile(path, (await readFile(await makeStale(t))).subarray(0, -MB));
  await t.throwsAsync(storage.call('RequestImage', request('a', path)), {
    message: /^image a: the image is damaged or incomplete: qemu-img check: /,
  });
  await assertEmpty(t, storage);
});

test('rejects a qcow2 image with oversized tables', async (t) => {
  const storage = await startTestStorage(t);
  const path = join(storage.importDir, 'evil.qcow2');
  for (const [offset, value] of [
    [36, 0x7fffffff], // entries of the L1 table
    [56, 0x7fffffff], // clusters of the refcount table
    [60, 0x7fffffff], // snapshots
    [20, 63], // bits of a cluster
  ] as const) {
    await qemuImg('create', '-q', '-f', 'qcow2', path, '1M');
    const bytes = await readFile(path);
    bytes.writeUInt32BE(value, offset);
    await writeFile(path, bytes);
    await t.throwsAsync(storage.call('RequestImage', request('a', path)), {
      message: /^image a: the image is damaged or incomplete: qemu-img/,
    });
  }
  await assertEmpty(t, storage);
});

test('rejects web pages', async (t) => {
  const storage = await startTestStorage(t);
  const { url } = await serveFile(t, Buffer.from('\n<!DOCTYPE html><title>Please log in</title>'));
  await t.throwsAsync(storage.call('RequestImage', request('a', `${url}/a`)), { message: /is a web page/ });
});

test('treats an image inside an image as the content of a disk', async (t) => {
  const storage = await startTestStorage(t);
  const inner = join(storage.importDir, 'inner.qcow2');
  await qemuImg('create', '-q', '-f', 'qcow2', '-u', '-b', '/etc/passwd', '-F', 'raw', inner, '1M');
  const outer = join(storage.importDir, 'outer.qcow2');
  await qemuImg('convert', '-f', 'raw', '-O', 'qcow2', inner, outer);
  await storage.call('RequestImage', request('a', outer));
  const { stdout } = await execa('qemu-img', [
    'info',
    '--output=json',
    join(storage.dir, 'images', 'a.qcow2'),
  ]);
  const info = JSON.parse(stdout) as { format: string; 'backing-filename'?: string };
  t.deepEqual([info.format, info['backing-filename']], ['qcow2', undefined]);
  await t.notThrowsAsync(qemuIo(join(storage.dir, 'images', 'a.qcow2'), 'read -P 0x51 0 1'));
});

const pack = async (t: ExecutionContext, args: readonly string[], ...files: string[]): Promise<Buffer> => {
  const path = join(await tempDir(t), 'packed');
  await execa('tar', [...args, '-cf', path, ...files]);
  return readFile(path);
};

/** Creates a raw disk of 3 MB, mostly holes, as the only file of its directory. */
const makeRaw = async (t: ExecutionContext): Promise<string> => {
  const dir = await tempDir(t);
  const bytes = asDisk(Buffer.alloc(3 * MB));
  bytes.fill(0x42, MB, 2 * MB);
  await writeFile(join(dir, 'disk.raw'), bytes);
  await execa('fallocate', ['--dig-holes', join(dir, 'disk.raw')]);
  return dir;
};

test('unpacks a gzip file with a trailer, as OpenWrt publishes them', async (t) => {
  const storage = await startTestStorage(t);
  const raw = await readFile(join(await makeRaw(t), 'disk.raw'));
  const packed = Buffer.concat([gzipSync(raw), Buffer.from('{"metadata_version":"1.1"}FWx0')]);
  const { url } = await serveFile(t, packed);
  await storage.call('RequestImage', request('a', `${url}/a.img.gz`, sum(packed)));
  await t.notThrowsAsync(qemuIo(join(storage.dir, 'images', 'a.qcow2'), 'read -P 0x42 1M 1M'));
});

for (const [name, ...args] of [
  ['a tar archive', '--format=ustar'],
  ['a sparse tar archive', '--format=gnu', '--sparse'],
  ['a sparse tar archive in pax format', '--format=pax', '--sparse'],
  ['a tar archive of the age before ustar', '--format=v7'],
] as const)
  test(`imports the disk.raw in ${name}`, async (t) => {
    const storage = await startTestStorage(t);
    const packed = gzipSync(await pack(t, [...args, '-C', await makeRaw(t)], './disk.raw'));
    const { url } = await serveFile(t, packed);
    const { images } = await storage.call('RequestImage', request('a', `${url}/a.tar.gz`, sum(packed)));
    t.is(images[0]?.size, 3);
    const path = join(storage.dir, 'images', 'a.qcow2');
    await t.notThrowsAsync(qemuIo(path, 'read -P 0x42 1M 1M'));
    await t.notThrowsAsync(qemuIo(path, 'read -P 0 2M 1M'));
  });

test('imports the disk of an OVA', async (t) => {
  const storage = await startTestStorage(t);
  const dir = await tempDir(t);
  const options = ['-f', 'qcow2', '-O', 'vmdk', '-o', 'subformat=streamOptimized'];
  await qemuImg('convert', ...options, await makeImage(t), join(dir, 'vm-disk1.vmdk'));
  for (const name of ['vm.ovf', 'vm.mf']) await writeFile(join(dir, name), '<Envelope/>');
  const path = join(storage.importDir, 'vm.ova');
  await writeFile(path, await pack(t, ['--format=ustar', '-C', dir], 'vm.ovf', 'vm.mf', 'vm-disk1.vmdk'));
  await storage.call('RequestImage', request('a', path));
  await t.notThrowsAsync(qemuIo(join(storage.dir, 'images', 'a.qcow2'), 'read -P 0x42 1M 1M'));
});

test('rejects an archive with several disks, and one with none', async (t) => {
  const storage = await startTestStorage(t);
  const dir = await makeRaw(t);
  await writeFile(join(dir, 'other.vmdk'), 'x');
  await writeFile(join(dir, 'vm.ovf'), 'x');
  const path = join(storage.importDir, 'a.ova');
  await writeFile(path, await pack(t, ['-C', dir], 'disk.raw', 'other.vmdk'));
  await t.throwsAsync(storage.call('RequestImage', request('a', path)), {
    message: /^image a: the archive contains several files, among them disk.raw and other.vmdk: /,
  });
  await writeFile(path, await pack(t, ['-C', dir], 'vm.ovf'));
  await t.throwsAsync(storage.call('RequestImage', request('a', path)), {
    message: /contains no disk image/,
  });
  await writeFile(path, await pack(t, ['-C', dir], 'other.vmdk'));
  await t.throwsAsync(storage.call('RequestImage', request('a', path)), { message: /is text, not an image/ });
  await assertEmpty(t, storage);
});

test('imports a fixed VHD with all of its disk, and rejects a truncated one', async (t) => {
  const storage = await startTestStorage(t);
  const path = join(storage.importDir, 'a.vhd');
  await qemuImg(
    'convert',
    '-f',
    'qcow2',
    '-O',
    'vpc',
    '-o',
    'subformat=fixed,force_size=on',
    await makeImage(t),
    path,
  );
  // VirtualBox writes the same, and means the whole disk; QEMU by itself cuts off the end.
  const bytes = await readFile(path);
  const footer = bytes.subarray(-512);
  footer.write('vbox', 28);
  footer.writeUInt32BE(0, 64);
  footer.writeUInt32BE(~footer.reduce((total, byte) => total + byte, 0) >>> 0, 64);
  await writeFile(path, bytes);
  const { images } = await storage.call('RequestImage', request('a', path));
  t.is(images[0]?.size, 3);
  await t.notThrowsAsync(qemuIo(join(storage.dir, 'images', 'a.qcow2'), 'read -P 0x42 1M 1M'));
  await writeFile(path, Buffer.concat([bytes.subarray(0, MB), bytes.subarray(-512)]));
  await t.throwsAsync(storage.call('RequestImage', request('b', path)), {
    message: /describes a larger disk/,
  });
});

test('rejects text that a server sends instead of an image', async (t) => {
  const storage = await startTestStorage(t);
  for (const text of ['{"error": "gone"}', `${'0'.repeat(64)}  a.img\n`]) {
    const { url } = await serveFile(t, Buffer.from(text));
    await t.throwsAsync(storage.call('RequestImage', request('a', `${url}/a`)), {
      message: /is text, not an/,
    });
  }
  await assertEmpty(t, storage);
});

test('accepts a file of unknown format only when the request says that it is raw', async (t) => {
  const storage = await startTestStorage(t);
  const { url } = await serveFile(t, randomBytes(MB).fill(0, 500, 520));
  await t.throwsAsync(storage.call('RequestImage', request('a', `${url}/a`)), {
    message: /^image a: the file is not known to be a disk: /,
  });
  await t.notThrowsAsync(
    storage.call('RequestImage', request('a', `${url}/a`, undefined, { format: 'raw' })),
  );
});

test('checks a sha512, and each sum when several are given', async (t) => {
  const storage = await startTestStorage(t);
  const bytes = asDisk(randomBytes(MB));
  const { url } = await serveFile(t, bytes);
  const sha512 = createHash('sha512').update(bytes).digest('hex');
  const wrong = '0'.repeat(128);
  await t.throwsAsync(storage.call('RequestImage', request('a', `${url}/a`, sum(bytes), { sha512: wrong })), {
    message: `image a: the fetched file has the sha512 ${sha512}, not ${wrong}`,
  });
  await storage.call('RequestImage', request('a', `${url}/a`, sum(bytes), { sha512: sha512.toUpperCase() }));
  await t.notThrowsAsync(storage.call('RequestImage', request('a', '', undefined, { sha512 })));
  await t.throwsAsync(storage.call('RequestImage', request('a', '', undefined, { sha512: wrong })), {
    message: `image a already exists, made from a file with the sha512 ${sha512}, not ${wrong}: delete it first`,
  });
});

test('checks the sum that a file of sums lists for the source', async (t) => {
  const storage = await startTestStorage(t);
  const bytes = asDisk(randomBytes(MB));
  const sha512 = createHash('sha512').update(bytes).digest('hex');
  let listed = `${'1'.repeat(128)}  other.raw\n${'2'.repeat(128)}  disk.raw\n`;
  const url = await serveHttp(t, (message, response) =>
    response.end(message.url?.startsWith('/SHA512SUMS') ? listed : bytes),
  );
  const fetch = (source = `${url}/x/disk.raw?token=1`) =>
    storage.call('RequestImage', request('a', source, undefined, { sums: `${url}/SHA512SUMS` }));
  await t.throwsAsync(fetch(), { message: new RegExp(`has the sha512 ${sha512}, not 2{128}$`) });
  await t.throwsAsync(fetch(`${url}/none.raw`), {
    message: `image a: the file of sums ${url}/SHA512SUMS: lists no sha256 or sha512 sum for none.raw`,
  });
  await t.throwsAsync(fetch(''), { message: /needs a "source"/ });
  await assertEmpty(t, storage);
  listed = `${sha512} *disk.raw\n`;
  t.is((await fetch()).images[0]?.status, 'complete');
  await t.notThrowsAsync(fetch());
  listed = `${'2'.repeat(128)} *disk.raw\n`;
  await t.throwsAsync(fetch(), { message: /already exists, made from a file with the sha512/ });
});
