import { PassThrough, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type Docker from 'dockerode';
import { errorMessage } from '../../../errors.js';
import type { ReportProgress } from '../../../rpc/server/call-context.js';
import { describeBytes } from '../../shared/download/progress.js';
import { openSource, type Source } from '../../shared/download/source.js';
import type { Engine } from '../engine.js';
import { openArchive } from './archive.js';
import { engineReference, parseImageName } from './names.js';
import { followEngine, type PullOptions } from './pull.js';
import { renameImage } from './rename.js';

export interface LoadOptions extends PullOptions {
  /** Directories that archives may be read from as files. */
  importDirs: string[];
}

/** Lets `send` have a stream; when that breaks, the request is broken off, so that half a stream is never taken for all. */
const sendWhole = async (
  bytes: Readable,
  signal: AbortSignal,
  send: (body: Readable, abortSignal: AbortSignal) => Promise<unknown>,
): Promise<void> => {
  const breaking = new AbortController();
  const body = new PassThrough();
  const sent = send(body, AbortSignal.any([breaking.signal, signal]));
  try {
    await Promise.all([
      pipeline(bytes, body).catch((error) => {
        breaking.abort(error);
        // Without its code: that the source cannot be reached says nothing of the engine.
        throw new Error(errorMessage(error), { cause: error });
      }),
      sent,
    ]);
  } finally {
    body.destroy();
    await sent.catch(() => undefined);
  }
};

/** A source's bytes, told of about once a second while they are read. */
async function* told({ bytes, size }: Source, tell: ReportProgress): AsyncGenerator<Buffer, void, undefined> {
  let count = 0;
  let toldAt = Date.now();
  for await (const chunk of bytes) {
    count += chunk.length;
    if (Date.now() - toldAt >= 1000) {
      toldAt = Date.now();
      tell(...describeBytes(count, size));
    }
    yield chunk;
  }
}

const sendLoad = (docker: Docker) => async (body: Readable, abortSignal: AbortSignal) =>
  followEngine(docker, await docker.loadImage(body, { quiet: true, abortSignal } as object));

/** The tag is part of `repo`: Docker reads it there as well, and Podman 4.3 knows no `tag`: it would make a `latest`. */
const sendImport = (docker: Docker, repo: string) => async (body: Readable, abortSignal: AbortSignal) =>
  followEngine(docker, await docker.importImage(body, { repo, abortSignal } as object));

/**
 * Loads an archive of an image, or one of a root file system, into the engine.
 * @param source an http, https or file URL
 */
export const loadArchive = async (
  engine: Engine,
  id: string,
  source: string,
  { signal, progress, importDirs }: LoadOptions,
): Promise<void> => {
  if (parseImageName(id).digest)
    throw new Error(`image ${id}: what is loaded from an archive has no digest: leave it out`);
  const name = engineReference(id);
  let bytes: AsyncGenerator<Buffer, void, undefined> | undefined;
  try {
    const opened = await openSource(source, { importDirs, signal });
    bytes = told(opened, (message, percent) => progress(`image ${id}: ${message}`, percent));
    const archive = await openArchive(bytes);
    const isImage = archive.kind === 'image';
    const plain = Readable.from(archive.bytes, { objectMode: false });
    const body = isImage ? renameImage(plain, name) : plain;
    await engine.call((docker) =>
      sendWhole(body, signal, isImage ? sendLoad(docker) : sendImport(docker, name)),
    );
  } catch (error) {
    throw new Error(`image ${id}: ${errorMessage(error)}`, { cause: error });
  } finally {
    // Lets go of the source when it was not read to its end.
    bytes?.return().catch(() => undefined);
  }
};
