import { Readable } from 'node:stream';
import type { ByteStream } from '../../../rpc/protocol/byte-stream.js';
import { noSuchImage } from '../../shared/errors.js';
import type { Engine } from '../engine.js';
import { engineReference } from './names.js';
import { findImage } from './pull.js';

/**
 * Opens an image as an archive that `docker load`, `podman load` and this sub-agent read.
 * @throws {Refusal} `not_found`
 */
export const openArchiveOf = async (engine: Engine, id: string, signal: AbortSignal): Promise<ByteStream> => {
  if (!(await findImage(engine, id))) throw noSuchImage(id);
  const archive = (await engine.call((docker) => docker.getImage(engineReference(id)).get())) as Readable;
  signal.addEventListener('abort', () => archive.destroy(), { once: true });
  // docker-modem does not wait for a reader by itself.
  return { bytes: Readable.from(archive, { objectMode: false }) };
};
