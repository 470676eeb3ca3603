import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import tar from 'tar-stream';

/** Packs a root file system as an image in OCI layout, as skopeo does: without Docker's manifest.json. */
export const ociLayout = async (rootfs: Buffer): Promise<Buffer> => {
  const pack = tar.pack();
  const add = (content: Buffer): { digest: string; size: number } => {
    const hash = createHash('sha256').update(content).digest('hex');
    pack.entry({ name: `blobs/sha256/${hash}` }, content);
    return { digest: `sha256:${hash}`, size: content.length };
  };
  const addJson = (content: object) => add(Buffer.from(JSON.stringify(content)));
  const type = (kind: string): string => `application/vnd.oci.image.${kind}`;
  const layer = add(rootfs);
  const config = addJson({
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    os: 'linux',
    config: { Cmd: ['sh'] },
    rootfs: { type: 'layers', diff_ids: [layer.digest] },
  });
  const manifest = addJson({
    schemaVersion: 2,
    mediaType: type('manifest.v1+json'),
    config: { mediaType: type('config.v1+json'), ...config },
    layers: [{ mediaType: type('layer.v1.tar'), ...layer }],
  });
  const index = { schemaVersion: 2, manifests: [{ mediaType: type('manifest.v1+json'), ...manifest }] };
  pack.entry({ name: 'index.json' }, JSON.stringify(index));
  pack.entry({ name: 'oci-layout' }, '{"imageLayoutVersion": "1.0.0"}');
  pack.finalize();
  return buffer(pack);
};
