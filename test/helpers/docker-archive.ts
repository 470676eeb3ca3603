import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import tar from 'tar-stream';

export interface PackedImage {
  names: string[];
  /** Its configuration besides the command `sh`: Docker's image specification v1.2. */
  config?: Record<string, unknown>;
}

const sha256 = (content: Buffer): string => createHash('sha256').update(content).digest('hex');

/** Packs images that share a root file system as `docker save` does. */
export const dockerArchive = async (rootfs: Buffer, images: readonly PackedImage[]): Promise<Buffer> => {
  const pack = tar.pack();
  const layer = sha256(rootfs);
  pack.entry({ name: `${layer}/layer.tar` }, rootfs);
  const manifest = images.map(({ names, config = {} }) => {
    const content = Buffer.from(
      JSON.stringify({
        architecture: process.arch === 'x64' ? 'amd64' : process.arch,
        os: 'linux',
        config: { Cmd: ['sh'], ...config },
        rootfs: { type: 'layers', diff_ids: [`sha256:${layer}`] },
      }),
    );
    const Config = `${sha256(content)}.json`;
    pack.entry({ name: Config }, content);
    return { Config, RepoTags: names, Layers: [`${layer}/layer.tar`] };
  });
  pack.entry({ name: 'manifest.json' }, JSON.stringify(manifest));
  pack.finalize();
  return buffer(pack);
};
