import type Docker from 'dockerode';
import type { ImageInspectInfo } from 'dockerode';
import { errorMessage } from '../../../errors.js';
import type { ReportProgress } from '../../../rpc/server/call-context.js';
import type { Step } from '../../shared/download/progress.js';
import type { Engine } from '../engine.js';
import { engineReference, parseImageName } from './names.js';

export interface PullOptions {
  signal: AbortSignal;
  progress: ReportProgress;
}

/** A line of what the engine says while it works on an image. */
export interface EngineProgress {
  status?: string;
  stream?: string;
  id?: string;
  progressDetail?: { current?: number; total?: number };
  /** Why it gave up. */
  error?: string;
}

/** Describes a line: its layer, what the engine does with it, and how far that layer has come. */
const stepOf = ({ status, id, progressDetail: { current, total } = {} }: EngineProgress): Step => {
  const message = `${id ? `${id}: ` : ''}${status}`;
  if (!current || !total) return [message];
  const percent = Math.min(100, Math.floor((100 * current) / total));
  return [`${message} ${percent}%`, percent];
};

/**
 * Reads all that the engine says until it is done.
 * @throws its own error, which it says at the end of an answer that began well
 */
export const followEngine = (
  docker: Docker,
  answer: NodeJS.ReadableStream,
  onProgress: (line: EngineProgress) => void = () => undefined,
): Promise<EngineProgress[]> =>
  new Promise((resolve, reject) => {
    docker.modem.followProgress(
      answer,
      (error, lines: EngineProgress[]) => {
        const failed = lines.find((line) => line.error);
        if (error) reject(error);
        else if (failed) reject(new Error(failed.error));
        else resolve(lines);
      },
      onProgress,
    );
  });

/** What the engine knows of an image, when it has it. */
export const findImage = (engine: Engine, id: string): Promise<ImageInspectInfo | undefined> => {
  const reference = engineReference(id);
  return engine.find((docker) => docker.getImage(reference).inspect());
};

/** Fetches an image from its registry. */
export const pullImage = async (
  engine: Engine,
  id: string,
  { signal, progress }: PullOptions,
): Promise<void> => {
  const { repository, tag, digest } = parseImageName(id);
  const fromImage = digest ? `${repository}@${digest}` : repository;
  let toldAt = 0;
  const tell = (line: EngineProgress): void => {
    if (!line.status || Date.now() - toldAt < 1000) return;
    toldAt = Date.now();
    const [message, percent] = stepOf(line);
    progress(`image ${id}: ${message}`, percent);
  };
  try {
    await engine.call(async (docker) => {
      const options = { fromImage, ...(tag ? { tag } : {}), abortSignal: signal };
      await followEngine(docker, await docker.createImage(options), tell);
    });
  } catch (error) {
    throw new Error(`image ${id} cannot be pulled: ${errorMessage(error)}`, { cause: error });
  }
};

/** What the engine knows of an image, which it pulls when it does not have it. */
export const requireImage = async (engine: Engine, id: string, options: PullOptions): Promise<void> => {
  if (!(await findImage(engine, id))) await pullImage(engine, id, options);
};
