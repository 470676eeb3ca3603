import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { findBacking } from '../../../../../lib/subagents/qemu/machine/backing.js';
import { tempDir } from '../../../../helpers/temp.js';

/** Returns the header of a qcow2 file with a backing file. */
const overlay = (backing: string): Buffer => {
  const header = Buffer.alloc(2048);
  header.write('QFI\xfb', 'latin1');
  header.writeUInt32BE(3, 4);
  header.writeBigUInt64BE(1024n, 8);
  header.writeUInt32BE(Buffer.byteLength(backing), 16);
  header.write(backing, 1024);
  return header;
};

const makeStore = async (t: ExecutionContext) => {
  const store = await tempDir(t);
  const [images, dir] = [join(store, 'images'), join(store, 'guests')];
  await mkdir(join(dir, 'g'), { recursive: true });
  await mkdir(images);
  for (const name of ['a.qcow2', 'a+2.qcow2', 'b+2.qcow2']) await writeFile(join(images, name), '');
  const path = join(dir, 'g', 'disk-0.qcow2');
  const find = async (backing: string): Promise<string | undefined> => {
    await writeFile(path, overlay(backing));
    return findBacking({ source: path, image: 'a', path, dir });
  };
  return { images, find };
};

test('finds the version of its image that a disk builds on', async (t) => {
  const { images, find } = await makeStore(t);
  for (const name of ['a.qcow2', 'a+2.qcow2']) t.is(await find(join(images, name)), join(images, name));
});

test('rejects a disk whose header names another image, or a version that is missing', async (t) => {
  const { images, find } = await makeStore(t);
  for (const name of ['b+2.qcow2', 'a+3.qcow2', '../guests/g/disk-0.qcow2'])
    await t.throwsAsync(find(join(images, name)), {
      message: /its header was changed to name the backing file/,
    });
});
