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

test('what begins with a part of an image is an image', async (t) => {
  t.is(await kindOf('blobs/', 'index.json'), 'image');
  t.is(await kindOf('manifest.json'), 'image');
});

test('an image that tar made of the directory itself is one, too', async (t) => {
  t.is(await kindOf('./', './oci-layout', './index.json'), 'image');
});

test('anything else is a root file system', async (t) => {
  t.is(await kindOf('bin/', 'bin/sh'), 'rootfs');
  t.is(await kindOf('./', './bin/', './bin/sh'), 'rootfs');
  t.is(await kindOf('./'), 'rootfs');
});

test('what is no archive is refused', async (t) => {
  const bytes = async function* (): AsyncGenerator<Buffer, void, undefined> {
    yield Buffer.from('no archive');
  };
  await t.throwsAsync(openArchive(bytes()), { message: /not a tar archive/ });
});
