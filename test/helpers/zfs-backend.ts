import { mkdir, readdir, readlink, truncate, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import type { StorageOptions } from '../../lib/subagents/storage/service.js';
import type { Backend } from './backends.js';
import { qemuImg, qemuIo, startTestStorage, type TestStorage } from './storage.js';
import { GUEST_ID } from './sub-agents.js';
import { type TestPool, zfs } from './zfs.js';

/** One test's part of the pool. */
interface Part {
  dataset: string;
  mountpoint: string;
}

/** Lists the names of a dataset's children. */
const children = async (dataset: string): Promise<string[]> => {
  const names = await zfs('list', '-H', '-r', '-d', '1', '-t', 'filesystem', '-o', 'name', dataset);
  return names
    .split('\n')
    .filter((name) => name !== dataset)
    .map((name) => basename(name));
};

const encodeId = (id: string): string => id.replace(/:/g, ':3a').replace(/\//g, ':2f');
const decodeId = (name: string): string => name.replace(/:2f/g, '/').replace(/:3a/g, ':');

export interface ZfsBackend extends Backend {
  /** Returns the part of the pool that contains a store. */
  part: (storage: TestStorage) => Part;
  /** Creates a part of the pool for a new store, for the duration of a test. */
  makePart: (t: ExecutionContext) => Promise<Part>;
  /** Records the part in which a store was started. */
  assign: (storage: TestStorage, part: Part) => void;
}

/**
 * Returns a back end whose stores share a pool, each in its own dataset.
 * @param options further options of all stores
 */
export const zfsBackend = (
  test: Backend['test'],
  pool: () => TestPool,
  options: () => Partial<StorageOptions> = () => ({}),
): ZfsBackend => {
  const parts = new Map<string, Part>();
  let made = 0;

  const part = ({ dir }: TestStorage): Part => {
    const found = parts.get(dir);
    if (!found) throw new Error(`${dir} is not a store in the pool`);
    return found;
  };

  const pathOf = (storage: TestStorage, id: string): string =>
    join(part(storage).mountpoint, 'images', encodeId(id), 'disk');

  const assign: ZfsBackend['assign'] = ({ dir }, own) => void parts.set(dir, own);

  const makePart: ZfsBackend['makePart'] = async (t) => {
    made += 1;
    const { name, mountpoint } = pool();
    const own: Part = { dataset: `${name}/test${made}`, mountpoint: join(mountpoint, `test${made}`) };
    await zfs('create', own.dataset);
    // ZFS gets slower with every dataset of every pool. One that it cannot destroy yet goes with the pool.
    t.teardown(() => execa('zfs', ['destroy', '-R', '-f', own.dataset], { reject: false }));
    return own;
  };

  return {
    test,
    part,
    makePart,
    assign,
    start: async (t) => {
      const own = await makePart(t);
      const storage = await startTestStorage(t, undefined, {
        ...options(),
        backend: 'zfs',
        pool: own.dataset,
      });
      assign(storage, own);
      return storage;
    },
    startAgain: async (t, storage) => {
      const { dataset } = part(storage);
      await storage.close();
      return startTestStorage(t, dirname(storage.dir), {
        ...options(),
        backend: 'zfs',
        pool: dataset,
      });
    },
    contents: async (storage) => {
      const { dataset, mountpoint } = part(storage);
      const [images, guests, files] = await Promise.all([
        children(`${dataset}/images`),
        children(`${dataset}/guests`),
        readdir(join(mountpoint, 'tmp')),
      ]);
      return { images: images.map(decodeId), guests, work: files };
    },
    litter: async (storage) => {
      const { dataset, mountpoint } = part(storage);
      await mkdir(join(mountpoint, 'tmp', 'fetch-x'));
      await writeFile(join(mountpoint, 'tmp', 'fetch-x', 'download'), 'half');
      // A clone, so that the datasets cannot be destroyed in the order of listing.
      await zfs('create', `${dataset}/tmp/deleted-a`);
      await zfs('snapshot', `${dataset}/tmp/deleted-a@image`);
      await zfs('clone', `${dataset}/tmp/deleted-a@image`, `${dataset}/tmp/guest-b`);
    },
    source: (storage, index) => join(part(storage).mountpoint, 'guests', GUEST_ID, `disk-${index}`, 'disk'),
    io: (source, command) => qemuIo(source, command, 'raw'),
    imageIo: (storage, id, command) => qemuIo(pathOf(storage, id), command, 'raw'),
    compareImage: async (storage, id, rawFile) => {
      await qemuImg('compare', '-q', '-f', 'raw', '-F', 'raw', rawFile, pathOf(storage, id));
    },
    damage: (source) => truncate(source, 1000),
    damageMessage: /has only 1000 bytes of its 2 MB/,
    readers: async (storage) => {
      const dir = join(part(storage).mountpoint, 'tmp', 'download-');
      const open = await readdir('/proc/self/fd');
      const paths = await Promise.all(open.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')));
      return paths.filter((path) => path.startsWith(dir)).length;
    },
    breakReaders: async (storage) => {
      const { dataset, mountpoint } = part(storage);
      for (const name of await children(`${dataset}/tmp`))
        if (name.startsWith('download-')) await truncate(join(mountpoint, 'tmp', name, 'disk'), 5000);
    },
  };
};
