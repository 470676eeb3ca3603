import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import tar from 'tar-stream';

/** The image that every engine of the tests has: a busybox whose command is a shell. */
export const IMAGE = 'localhost/bb:1';

const APPLETS = ['cat', 'echo', 'env', 'httpd', 'ip', 'ping', 'sh', 'sleep', 'test', 'true'];

/** Creates a tar archive of a root file system with one static busybox. */
export const busyboxRootfs = async (): Promise<Buffer> => {
  const pack = tar.pack();
  pack.entry({ name: 'bin', type: 'directory' });
  pack.entry({ name: 'bin/busybox', mode: 0o755 }, await readFile('/bin/busybox'));
  for (const name of APPLETS) pack.entry({ name: `bin/${name}`, type: 'symlink', linkname: 'busybox' });
  for (const name of ['dev', 'etc', 'proc', 'sys', 'tmp']) pack.entry({ name, type: 'directory' });
  pack.finalize();
  return buffer(pack);
};
