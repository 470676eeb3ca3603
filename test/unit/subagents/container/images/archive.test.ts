import test from 'ava';
import tar from 'tar-stream';
import { openArchive } from '../../../../../lib/subagents/container/images/archive.js';

const kindOf = async (...names: string[]): Promise<string> => {
  const pack = tar.pack();
  for (const name of names)
    pack.entry({ name, type: name.endsWith('/') ? 'directory' : 'file' }, name.endsWith('/') ? '' : 'x');
  pack.finalize();
  const bytes = async function* (): AsyncGenerator<Buffer, void, undefined> {
    for await (const chunk of pack) yield Buffer.from(chunk as Uint8Array);
  };
  return (await openArchive(bytes())).kind;
};

test('detects an image by its first entry', async (t) => {
  t.is(await kindOf('blobs/', 'index.json'), 'image');
  t.is(await kindOf('manifest.json'), 'image');
});

test('detects an image after an entry for the root directory', async (t) => {
  t.is(await kindOf('./', './oci-layout', './index.json'), 'image');
});

test('takes any other archive for a root file system', async (t) => {
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
