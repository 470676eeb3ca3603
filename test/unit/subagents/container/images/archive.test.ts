import test from 'ava';
import tar from 'tar-stream';
import { openArchive } from '../../../../../lib/subagents/container/images/archive.js';

const open = async (names: string[], isRootfs = false): ReturnType<typeof openArchive> => {
  const pack = tar.pack();
  for (const name of names)
    pack.entry({ name, type: name.endsWith('/') ? 'directory' : 'file' }, name.endsWith('/') ? '' : 'x');
  pack.finalize();
  const bytes = async function* (): AsyncGenerator<Buffer, void, undefined> {
    for await (const chunk of pack) yield Buffer.from(chunk as Uint8Array);
  };
  return openArchive(bytes(), isRootfs);
};

const kindOf = async (...names: string[]): Promise<string> => (await open(names)).kind;

const readAll = async (names: string[], isRootfs = false): Promise<void> => {
  for await (const _ of (await open(names, isRootfs)).bytes);
};

test('detects an image by its first entry', async (t) => {
  t.is(await kindOf('blobs/', 'index.json'), 'image');
  t.is(await kindOf('manifest.json'), 'image');
});

test('detects an image after an entry for the root directory', async (t) => {
  t.is(await kindOf('./', './oci-layout', './index.json'), 'image');
});

test('treats any other archive as a root file system', async (t) => {
  t.is(await kindOf('bin/', 'bin/sh'), 'rootfs');
  t.is(await kindOf('./', './bin/', './bin/sh'), 'rootfs');
  t.is(await kindOf('./'), 'rootfs');
});

test('rejects a file that is not an archive', async (t) => {
  const bytes = async function* (): AsyncGenerator<Buffer, void, undefined> {
    yield Buffer.from('no archive');
  };
  await t.throwsAsync(openArchive(bytes()), { message: /not a tar archive/ });
});

test('accepts a root file system by its directories', async (t) => {
  for (const names of [['./', './bin/', './bin/sh', './etc/'], ['usr/bin/sh'], ['etc/passwd', 'lib/libc.so']])
    await t.notThrowsAsync(readAll(names));
});

test('rejects an archive of other files at its end, unless the caller says that it is a root file system', async (t) => {
  for (const names of [
    ['project-1.0/', 'project-1.0/README.md', 'project-1.0/bin/run'],
    ['app'],
    ['./'],
    ['lib/a.js', 'src/a.ts'],
  ]) {
    await t.throwsAsync(readAll(names), { message: /neither a container image nor a root file system/ });
    await t.notThrowsAsync(readAll(names, true));
  }
});

test('rejects an image inside a folder, and names the folder', async (t) => {
  await t.throwsAsync(readAll(['./image/', './image/blobs/sha256/00', './image/oci-layout']), {
    message: 'the image is in the folder image of the archive: put its files at the top, with tar -C image',
  });
  await t.throwsAsync(readAll(['saved/manifest.json']), { message: /in the folder saved/ });
});

test('passes on nothing of a small archive that it rejects, so that no engine takes it for complete', async (t) => {
  const passed: Buffer[] = [];
  const read = async (): Promise<void> => {
    for await (const chunk of (await open(['project-1.0/bin/run'])).bytes) passed.push(chunk);
  };
  await t.throwsAsync(read, { message: /neither a container image/ });
  t.deepEqual(passed, []);
});
