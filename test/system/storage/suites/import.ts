import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, readFile, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import type { Disk } from '../../../../lib/model/guest.js';
import type { ImportResponse } from '../../../../lib/rpc/protocol/import-messages.js';
import type { Backend } from '../../../helpers/backends.js';
import { exportTo, importFrom, unpackTo } from '../../../helpers/exports.js';
import { createGuest, qemuIo, type TestStorage } from '../../../helpers/storage.js';
import { GUEST_ID } from '../../../helpers/sub-agents.js';
import { tempDir } from '../../../helpers/temp.js';
import { until } from '../../../helpers/wait.js';

const MB = 2 ** 20;

/** The file system of a guest's directory. */
const dirOf = (backend: Backend, storage: TestStorage): string =>
  dirname(backend.source(storage, 0).replace(/\/disk-0\/disk$/, '/disk-0'));

/** Packs an unpacked export again, with sums that are right. */
const repack = async (t: ExecutionContext, dir: string, names?: string[]): Promise<string> => {
  const files = names ?? (await filesIn(dir));
  const { stdout } = await execa(
    'sha256sum',
    files.filter((name) => name !== 'SHA256SUMS'),
    { cwd: dir },
  );
  await writeFile(join(dir, 'SHA256SUMS'), `${stdout}\n`);
  const file = join(await tempDir(t), 'again.tar.zst');
  await execa('tar', ['-c', '--zstd', '-f', file, ...files], { cwd: dir });
  return file;
};

/** Lists the files of an unpacked export in the order that they have in an archive. */
const filesIn = async (dir: string): Promise<string[]> => {
  const names = (await readdir(dir)).filter((name) => name.endsWith('.qcow2')).sort();
  return ['mistify-export.json', ...names, 'SHA256SUMS'];
};

/** Imports of guests, for every back end. */
export const importSuite = (backend: Backend): void => {
  const { test } = backend;

  const adopt = (storage: TestStorage, { guest, token }: ImportResponse) =>
    storage.call('AdoptImport', { guest, action: 'importGuest', change: { token, notes: ['a note'] } });

  /** Checks that nothing of an import is left. */
  const nothingLeft = async (t: ExecutionContext, storage: TestStorage, guests: string[]): Promise<void> => {
    const { guests: found, work } = await backend.contents(storage);
    // zfs-fuse may hold the clone of an earlier download for a while.
    t.deepEqual([found, work.filter((name) => !name.startsWith('download-'))], [guests, []]);
    t.deepEqual(await readdir(join(storage.dir, 'imports')), []);
  };

  const exported = async (
    t: ExecutionContext,
    record: object = {},
  ): Promise<{ storage: TestStorage; file: string; disks: Disk[] }> => {
    const storage = await backend.start(t);
    const disks = await createGuest(storage, [{ size: 2 }, { size: 600, bus: 'sata' }]);
    await backend.io(disks[0]?.source ?? '', 'write -P 0x22 1M 512k');
    await backend.io(disks[1]?.source ?? '', 'write -P 0x33 599M 1M');
    return { storage, disks, file: await exportTo(t, storage, { ...record, disks }) };
  };

  test('brings back all disks, variables and the state of the TPM as another guest', async (t) => {
    const storage = await backend.start(t);
    const disks = await createGuest(storage, [{ size: 2 }, { size: 600, bus: 'sata' }]);
    await backend.io(disks[0]?.source ?? '', 'write -P 0x22 1M 512k');
    await backend.io(disks[1]?.source ?? '', 'write -P 0x33 599M 1M');
    const dir = dirOf(backend, storage);
    await execa('qemu-img', ['create', '-q', '-f', 'qcow2', join(dir, 'nvram.qcow2'), '528k']);
    await qemuIo(join(dir, 'nvram.qcow2'), 'write -P 0x44 64k 64k');
    await mkdir(join(dir, 'tpm'));
    await writeFile(join(dir, 'tpm', 'tpm2-00.permall'), 'state');
    const file = await exportTo(t, storage, { memory: 512, metadata: { name: 'web' }, disks });
    const guest = randomUUID();
    const { status, message, result } = await importFrom(storage, file, { guest });
    t.is(status, 200, message);
    t.like(result.guest, { id: guest, memory: 512, metadata: { name: 'web' } });
    t.deepEqual(
      result.guest.disks?.map(({ bus, size }) => [bus, size]),
      [
        ['virtio', 2],
        ['sata', 600],
      ],
    );
    const adopted = await adopt(storage, result);
    t.is(adopted.message, 'a note');
    const sources = adopted.guest.disks.map(({ source }) => source);
    await t.notThrowsAsync(backend.io(sources[0] ?? '', 'read -P 0x22 1M 512k'));
    await t.notThrowsAsync(backend.io(sources[1] ?? '', 'read -P 0x33 599M 1M'));
    await t.notThrowsAsync(backend.io(sources[1] ?? '', 'read -P 0 0 100M'));
    await t.notThrowsAsync(storage.call('VerifyDisks', { guest: adopted.guest }));
    const own = dir.replace(GUEST_ID, guest);
    await t.notThrowsAsync(qemuIo(join(own, 'nvram.qcow2'), 'read -P 0x44 64k 64k'));
    t.is(await readFile(join(own, 'tpm', 'tpm2-00.permall'), 'utf8'), 'state');
    await t.notThrowsAsync(adopt(storage, result), 'a stage may be repeated');
    await nothingLeft(t, storage, [GUEST_ID, guest].sort());
  });

  test('keeps the identity of a guest only where no such guest is', async (t) => {
    const { storage, file } = await exported(t);
    const keep = { identity: 'keep' } as const;
    const refused = await importFrom(storage, file, keep);
    t.is(refused.status, 409);
    t.is(refused.message, `guest ${GUEST_ID} exists already: delete it first, or import with a new identity`);
    await storage.call('DeleteGuestsDisks', { guest: { id: GUEST_ID } });
    const first = await importFrom(storage, file, keep);
    t.is(first.result.guest.id, GUEST_ID);
    const again = await importFrom(storage, file, keep);
    t.is(again.status, 200, 'the agent may have lost the first response');
    await t.throwsAsync(adopt(storage, first.result), { message: /are gone/ });
    await adopt(storage, again.result);
    await nothingLeft(t, storage, [GUEST_ID]);
  });

  test('removes an import that its agent discards or forgets', async (t) => {
    const { storage, file } = await exported(t);
    const { result } = await importFrom(storage, file);
    await storage.call('DiscardImport', { guest: result.guest.id, token: 'another' });
    t.is((await backend.contents(storage)).guests.length, 2);
    await storage.call('DiscardImport', { guest: result.guest.id, token: result.token });
    await nothingLeft(t, storage, [GUEST_ID]);
    const forgotten = await importFrom(storage, file);
    const record = join(storage.dir, 'imports', forgotten.result.guest.id);
    await utimes(record, 0, 0);
    const next = await backend.startAgain(t, storage);
    await nothingLeft(t, next, [GUEST_ID]);
  });

  test('refuses a file that was cut off, and leaves nothing', async (t) => {
    const { storage, file } = await exported(t);
    const { size } = await stat(file);
    for (const length of [size - 1, Math.floor(size / 2), 10, 0]) {
      await truncate(file, length);
      const { status, message } = await importFrom(storage, file);
      t.is(status, 400, `${length} bytes: ${message}`);
      t.regex(
        message,
        length > 10 ? /cut off or damaged, .*: copy the file again/ : /no exported guest|cut off/,
      );
      t.notRegex(message, /stdin/);
    }
    await nothingLeft(t, storage, [GUEST_ID]);
  });

  test('refuses a file that was changed, and leaves nothing', async (t) => {
    const { storage, file } = await exported(t);
    const dir = await unpackTo(t, file);
    const names = await filesIn(dir);
    const pack = async (files: string[]): Promise<string> => {
      const packed = join(await tempDir(t), 'changed.tar');
      await execa('tar', ['-cf', packed, ...files], { cwd: dir });
      return packed;
    };
    const refuse = async (packed: string, expected: RegExp): Promise<void> => {
      const { status, message } = await importFrom(storage, packed);
      t.is(status, 400);
      t.regex(message, expected);
    };
    await refuse(await pack(names.slice(0, -1)), /it does not end with SHA256SUMS: export it again$/);
    await refuse(
      await pack(names.filter((name) => name !== 'disk-1.qcow2')),
      /damaged or incomplete: disk-1.qcow2 is missing/,
    );
    await refuse(await pack(names.slice(1)), /^the file is no exported guest/);
    const disk = await readFile(join(dir, 'disk-0.qcow2'));
    disk[disk.length - 1] = 1;
    await writeFile(join(dir, 'disk-0.qcow2'), disk);
    await refuse(await pack(names), /disk-0.qcow2 has the sha256 [0-9a-f]{64}, not/);
    await writeFile(join(dir, 'extra.qcow2'), 'x');
    await refuse(await repack(t, dir), /extra.qcow2 does not belong to it/);
    const manifest = JSON.parse(await readFile(join(dir, 'mistify-export.json'), 'utf8'));
    await writeFile(join(dir, 'mistify-export.json'), JSON.stringify({ ...manifest, version: 2 }));
    await refuse(await repack(t, dir, names), /newer version of the agent \(format 2\)/);
    await writeFile(join(dir, 'mistify-export.json'), JSON.stringify({ ...manifest, guest: { memory: -1 } }));
    await refuse(await repack(t, dir, names), /"guest.memory"|guest.memory/);
    await nothingLeft(t, storage, [GUEST_ID]);
  });

  test('refuses disks that name other files, are damaged, or are too large for their data', async (t) => {
    const { storage, file } = await exported(t);
    const dir = await unpackTo(t, file);
    const names = await filesIn(dir);
    const target = join(dir, 'disk-0.qcow2');
    const secret = join(storage.importDir, 'secret');
    await writeFile(secret, 'x'.repeat(MB));
    const refuse = async (expected: RegExp): Promise<void> => {
      const { status, message } = await importFrom(storage, await repack(t, dir, names));
      t.is(status, 400, message);
      t.regex(message, expected);
    };
    await execa('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', secret, '-F', 'raw', target, '2M']);
    await refuse(/^disk-0.qcow2: the qcow2 image has a backing file/);
    await execa('qemu-img', ['create', '-q', '-f', 'qcow2', '-o', `data_file=${secret}`, target, '2M']);
    await refuse(/^disk-0.qcow2: .*external data file/);
    await execa('qemu-img', ['create', '-q', '-f', 'raw', target, '2M']);
    await refuse(/^disk-0.qcow2: /);
    await execa('qemu-img', ['create', '-q', '-f', 'qcow2', target, '2M']);
    await execa('qemu-io', ['-f', 'raw', '-c', 'write -P 0xff 64k 64k', target]);
    await refuse(/^disk-0.qcow2: the image is damaged or incomplete/);
    await nothingLeft(t, storage, [GUEST_ID]);
  });

  test('refuses other files, and names and links that point elsewhere', async (t) => {
    const storage = await backend.start(t);
    const dir = await tempDir(t);
    await writeFile(join(dir, 'mistify-export.json'), '{}');
    await execa('ln', ['-s', '/etc/passwd', 'link'], { cwd: dir });
    const linked = join(dir, 'linked.tar');
    await execa('tar', ['-cf', linked, 'mistify-export.json', 'link'], { cwd: dir });
    t.regex((await importFrom(storage, linked)).message, /other than files: link$/);
    const up = join(dir, 'up.tar');
    await execa('tar', ['-cPf', up, '--transform', 's,mistify,../mistify,', 'mistify-export.json'], {
      cwd: dir,
    });
    t.regex((await importFrom(storage, up)).message, /^the file is no exported guest/);
    for (const text of ['', 'hello', '<html>', 'x'.repeat(10_000)]) {
      const { status, message } = await importFrom(storage, Readable.from([Buffer.from(text)]));
      t.is(status, 400);
      t.regex(message, /^the file is no exported guest/);
    }
    await nothingLeft(t, storage, []);
  });

  test('leaves nothing of an upload that breaks off', async (t) => {
    const { storage, file } = await exported(t);
    const slow = new PassThrough();
    createReadStream(file, { end: 500 }).pipe(slow, { end: false });
    const sent = importFrom(storage, slow);
    await until('it receives', async () => (await backend.contents(storage)).work.length > 0);
    await delay(100);
    slow.destroy(new Error('broken'));
    await t.throwsAsync(sent);
    await until('nothing is left', async () => (await backend.contents(storage)).work.length === 0);
    await nothingLeft(t, storage, [GUEST_ID]);
  });
};
