import { Readable } from 'node:stream';
import type Docker from 'dockerode';
import type { ByteStream } from '../../rpc/protocol/byte-stream.js';
import type { LogsRequest } from '../../rpc/protocol/logs-messages.js';
import { FrameReader } from './frames.js';
import type { Guests } from './guests.js';

/** The query of `ContainerLogs` of the Docker Engine API. */
const queryOf = ({ follow, tail, since, timestamps, stream }: LogsRequest): Record<string, unknown> => ({
  follow: follow ?? false,
  stdout: stream !== 'stderr',
  stderr: stream !== 'stdout',
  tail: tail ?? 'all',
  timestamps: timestamps ?? false,
  ...(since === undefined ? {} : { since: Math.floor(Date.parse(since) / 1000) }),
});

/** Opens the output as a stream. `Container.logs` of dockerode returns all of it at once, unless it is followed. */
const openFrames = (
  docker: Docker,
  container: string,
  request: LogsRequest,
  abortSignal: AbortSignal,
): Promise<Readable> =>
  new Promise((resolve, reject) => {
    const call = {
      path: `/containers/${container}/logs?`,
      method: 'GET',
      isStream: true,
      statusCodes: { 200: true },
      options: queryOf(request),
      abortSignal,
    };
    docker.modem.dial(call, (error, frames) => (error ? reject(error) : resolve(frames as Readable)));
  });

/** Yields the output in frames without their headers, as fast as the reader takes it: docker-modem does not wait for one. */
export async function* outputIn(frames: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  const reader = new FrameReader();
  for await (const chunk of frames) yield Buffer.concat(reader.read(chunk).map(({ bytes }) => bytes));
}

/**
 * Opens what a container's program has printed, in the order of its arrival. With `follow` it ends when the container does.
 * @throws {Refusal} `not_found` without a container
 */
export const openLogs = async (
  guests: Guests,
  request: LogsRequest,
  signal: AbortSignal,
): Promise<ByteStream> => {
  const { engineId } = await guests.get(request.guest);
  const frames = await guests.engine.call((docker) => openFrames(docker, engineId, request, signal));
  return { bytes: Readable.from(outputIn(frames), { objectMode: false }) };
};
