import type Docker from 'dockerode';
import type { ImageInspectInfo } from 'dockerode';
import type { ReportProgress } from '../../../rpc/server/call-context.js';
import { notFound } from '../../shared/errors.js';
import type { Engine } from '../engine.js';
import { refusingMistakes } from '../errors.js';
import type { Credentials } from './credentials.js';
import { engineReference, parseImageName } from './names.js';
import { pullFailure } from './pull-fault.js';
import { type EngineProgress, PullProgress } from './pull-progress.js';

export interface PullOptions {
  signal: AbortSignal;
  progress: ReportProgress;
  credentials: Credentials;
  /** By default that of the host. */
  platform?: string | null | undefined;
}

/**
 * Reads the engine's progress stream to its end.
 * @throws the engine's error, which it reports in the stream of a response with status 200
 */
export const followEngine = (
  docker: Docker,
  stream: NodeJS.ReadableStream,
  onProgress: (line: EngineProgress) => void = () => undefined,
): Promise<EngineProgress[]> =>
  new Promise((resolve, reject) => {
    docker.modem.followProgress(
      stream,
      (error, lines: EngineProgress[]) => {
        const failed = lines.find((line) => line.error);
        if (error) reject(error);
        else if (failed) reject(new Error(failed.error));
        else resolve(lines);
      },
      onProgress,
    );
  });

/** Inspects an image; `undefined` when the engine does not have it. */
export const findImage = (engine: Engine, id: string): Promise<ImageInspectInfo | undefined> => {
  const reference = engineReference(id);
  return engine.find((docker) => docker.getImage(reference).inspect());
};

/** Pulls an image from its registry: `ImageCreate` of the Docker Engine API. */
export const pullImage = async (
  engine: Engine,
  id: string,
  { signal, progress, credentials, platform }: PullOptions,
): Promise<void> => {
  const { repository, tag, digest } = parseImageName(id);
  const fromImage = digest ? `${repository}@${digest}` : repository;
  let reportedAt = Number.NEGATIVE_INFINITY;
  const layers = new PullProgress();
  const auth = await credentials.of(repository);
  const report = (line: EngineProgress): void => {
    const step = layers.add(line);
    if (!step || performance.now() - reportedAt < 1000) return;
    reportedAt = performance.now();
    const [message, percent] = step;
    progress(`image ${id}: ${message}`, percent);
  };
  try {
    await refusingMistakes(() =>
      engine.call(async (docker) => {
        const options = {
          fromImage,
          ...(tag ? { tag } : {}),
          ...(platform ? { platform } : {}),
          abortSignal: signal,
        };
        // Apart from the options, which dockerode puts into the URL.
        await followEngine(docker, await docker.createImage(auth, options), report);
      }),
    );
  } catch (error) {
    throw pullFailure(id, error, credentials.path);
  }
};

/** Pulls an image unless the engine has it, and inspects it. */
export const requireImage = async (
  engine: Engine,
  id: string,
  options: PullOptions,
): Promise<ImageInspectInfo> => {
  const present = await findImage(engine, id);
  if (present) return present;
  await pullImage(engine, id, options);
  const pulled = await findImage(engine, id);
  if (pulled) return pulled;
  throw notFound(`image ${id}, which was just pulled,`);
};
