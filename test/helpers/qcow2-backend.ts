import { mkdir, open, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Backend } from './backends.js';
import { needsInTurn } from './needs.js';
import { processesWith } from './processes.js';
import { qemuImg, qemuIo, startTestStorage, type TestStorage } from './storage.js';
import { GUEST_ID } from './sub-agents.js';

const pathOf = ({ dir }: TestStorage, id: string): string =>
  join(dir, 'images', `${encodeURIComponent(id)}.qcow2`);

const imageId = (fileName: string): string => decodeURIComponent(fileName.replace(/\.qcow2$/, ''));

export const qcow2Backend: Backend = {
  test: needsInTurn('qemu-img', 'qemu-io', 'qemu-nbd', 'nbdcopy', 'qemu-system-x86_64'),
  start: (t) => startTestStorage(t),
  startAgain: async (t, { dir, close }) => {
    await close();
    return startTestStorage(t, dirname(dir));
  },
  contents: async ({ dir }) => ({
    images: (await readdir(join(dir, 'images'))).map(imageId),
    guests: await readdir(join(dir, 'guests')),
    work: await readdir(join(dir, 'tmp')),
  }),
  litter: async ({ dir }) => {
    await mkdir(join(dir, 'tmp', 'fetch-x'));
    await writeFile(join(dir, 'tmp', 'fetch-x', 'download'), 'half');
  },
  source: ({ dir }, index) => join(dir, 'guests', GUEST_ID, `disk-${index}.qcow2`),
  io: (source, command) => qemuIo(source, command),
  imageIo: (storage, id, command) => qemuIo(pathOf(storage, id), command),
  compareImage: async (storage, id, rawFile) => {
    const path = pathOf(storage, id);
    await qemuImg('check', '-q', '-f', 'qcow2', path);
    await qemuImg('compare', '-q', '-f', 'raw', '-F', 'qcow2', rawFile, path);
  },
  damage: async (source) => {
    const file = await open(source, 'r+');
    // The refcount table, the second cluster of a fresh image.
    await file.write(Buffer.alloc(65536), 0, 65536, 65536);
    await file.close();
  },
  damageMessage: /^qemu-img check/,
  readers: async (_, source) => (await processesWith(source)).length,
  breakReaders: async (_, source) => {
    for (const pid of await processesWith(source))
      if ((await readFile(`/proc/${pid}/comm`, 'utf8')).startsWith('qemu-nbd')) process.kill(pid, 'SIGKILL');
  },
};
