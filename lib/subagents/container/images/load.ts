import { PassThrough, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type Docker from 'dockerode';
import { errorMessage } from '../../../errors.js';
import type { FetchOptions } from '../../../rpc/protocol/image-messages.js';
import { failureIn, Refusal } from '../../../rpc/protocol/refusal.js';
import type { ReportProgress } from '../../../rpc/server/call-context.js';
import { Digester } from '../../shared/download/digester.js';
import { checkDigests, type Digests, normalizeDigests } from '../../shared/download/digests.js';
import { describeBytes } from '../../shared/download/progress.js';
import { openSource, type Source, type SourceOptions } from '../../shared/download/source.js';
import { fetchSums } from '../../shared/download/sums-file.js';
import type { Engine } from '../engine.js';
import { openArchive } from './archive.js';
import { holdTail } from './hold-tail.js';
import { engineReference, parseImageName } from './names.js';
import { followEngine, type PullOptions } from './pull.js';
import { renameImage } from './rename.js';

export interface LoadOptions extends Omit<PullOptions, 'credentials'>, Pick<SourceOptions, 'guard'> {
  /** Directories of archives that may be loaded as files. */
  importDirs: string[];
}

/**
 * Sends a stream as a request body. Aborts the request when the stream fails, so that the engine never takes a part for
 * the whole.
 */
const sendComplete = async (
  bytes: Readable,
  signal: AbortSignal,
  send: (body: Readable, abortSignal: AbortSignal) => Promise<unknown>,
): Promise<void> => {
  const failing = new AbortController();
  const body = new PassThrough();
  const sent = send(body, AbortSignal.any([failing.signal, signal]));
  try {
    await Promise.all([
      pipeline(bytes, body).catch((error) => {
        failing.abort(error);
        // Without the code, because an unreachable source must not count as an unreachable engine.
        throw error instanceof Refusal ? error : new Error(errorMessage(error), { cause: error });
      }),
      sent,
    ]);
  } finally {
    body.destroy();
    await sent.catch(() => undefined);
  }
};

/** Passes on a source's bytes and reports progress about once a second. */
async function* withProgress(
  { bytes, size }: Source,
  report: ReportProgress,
): AsyncGenerator<Buffer, void, undefined> {
  let count = 0;
  let reportedAt = performance.now();
  for await (const chunk of bytes) {
    count += chunk.length;
    if (performance.now() - reportedAt >= 1000) {
      reportedAt = performance.now();
      report(...describeBytes(count, size));
    }
    yield chunk;
  }
}

/**
 * Passes on a source's bytes.
 * @throws before the last of them, unless they have the wanted sums
 */
async function* withDigests(
  bytes: AsyncGenerator<Buffer, void, undefined>,
  wanted: Digests,
): AsyncGenerator<Buffer, void, undefined> {
  const digester = new Digester(Object.keys(wanted) as (keyof Digests)[]);
  const digested = async function* (): AsyncGenerator<Buffer, void, undefined> {
    for await (const chunk of bytes) {
      await digester.update(chunk);
      yield chunk;
    }
  };
  try {
    yield* holdTail(digested(), async () => checkDigests(await digester.digests(), wanted));
  } finally {
    digester.close();
  }
}

const sendLoad = (docker: Docker) => async (body: Readable, abortSignal: AbortSignal) =>
  followEngine(docker, await docker.loadImage(body, { quiet: true, abortSignal } as object));

/**
 * Puts the tag into `repo`, where Docker reads it as well: Podman 4.3 ignores `tag` and would tag the image `latest`.
 */
const sendImport = (docker: Docker, repo: string) => async (body: Readable, abortSignal: AbortSignal) =>
  followEngine(docker, await docker.importImage(body, { repo, abortSignal } as object));

/**
 * Loads an archive of an image or of a root file system into the engine.
 * @param source see `openSource`
 * @param wanted what the archive must be
 */
export const loadArchive = async (
  engine: Engine,
  id: string,
  source: string,
  wanted: FetchOptions,
  { signal, progress, importDirs, guard }: LoadOptions,
): Promise<void> => {
  if (parseImageName(id).digest)
    throw new Refusal('invalid', `image ${id}: an image from an archive cannot have a digest: leave it out`);
  const name = engineReference(id);
  let bytes: AsyncGenerator<Buffer, void, undefined> | undefined;
  try {
    const options = { importDirs, guard, signal };
    const digests = {
      ...(wanted.sums ? await fetchSums(wanted.sums, source, options) : {}),
      ...normalizeDigests(wanted),
    };
    const opened = await openSource(source, options);
    const reported = withProgress(opened, (message, percent) => progress(`image ${id}: ${message}`, percent));
    bytes = Object.keys(digests).length === 0 ? reported : withDigests(reported, digests);
    const archive = await openArchive(bytes, wanted.format === 'rootfs');
    const isImage = archive.kind === 'image';
    const plain = Readable.from(archive.bytes, { objectMode: false });
    const forDocker = (await engine.kind()) === 'docker';
    const body = isImage ? renameImage(plain, name, forDocker) : plain;
    await engine.call((docker) =>
      sendComplete(body, signal, isImage ? sendLoad(docker) : sendImport(docker, name)),
    );
  } catch (error) {
    throw failureIn(`image ${id}`, error);
  } finally {
    // Closes the source in case it was not read to its end.
    bytes?.return().catch(() => undefined);
  }
};
