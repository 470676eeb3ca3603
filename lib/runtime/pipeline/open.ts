import type { Duplex, Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { withDeadline } from '../../async/deadline.js';
import { notConfigured } from '../../errors.js';
import type { ConsoleQuery } from '../../rpc/client/service-client.js';
import type { ByteStream } from '../../rpc/protocol/byte-stream.js';
import { type Action, timeLimitOf } from './action.js';

/** Opens a stream when `limit` has a free slot, and holds the slot until the stream's bytes end. */
export const openWithinLimit = (
  limit: (work: () => Promise<void>) => Promise<void>,
  open: () => Promise<ByteStream>,
): Promise<ByteStream> =>
  new Promise((resolve, reject) => {
    void limit(async () => {
      try {
        const stream = await open();
        resolve(stream);
        await finished(stream.bytes).catch(() => {});
      } catch (error) {
        reject(error);
      }
    });
  });

/**
 * Runs the stages of a stream action. Each stage gets the bare request; the last one's bytes are the result.
 * @param signal ends the stream itself, not only the wait for it
 * @throws {AgentError} `timeout` when the bytes do not begin in time
 */
export const openStream = async (
  action: Action,
  request: unknown,
  signal: AbortSignal,
): Promise<ByteStream> => {
  let last: ByteStream | undefined;
  for (const stage of action.stages) {
    last?.bytes.destroy();
    const { client, throttle } = stage.service;
    last = await openWithinLimit(throttle, () =>
      withDeadline(timeLimitOf(stage), signal, (openSignal) =>
        client.open(request, AbortSignal.any([signal, openSignal])),
      ),
    );
  }
  if (!last) throw notConfigured(action.name);
  return last;
};

/**
 * Runs the stage of an upload action, which gets the bytes.
 * @throws {AgentError} `timeout` when the sub-agent does not respond in time
 */
export const sendUpload = async (
  { name, stages: [stage] }: Action,
  request: unknown,
  bytes: Readable,
  signal: AbortSignal,
): Promise<object> => {
  if (!stage) throw notConfigured(name);
  const { client, throttle } = stage.service;
  return throttle(() =>
    withDeadline(timeLimitOf(stage), signal, (within) => client.upload(request, bytes, within)),
  );
};

/**
 * Runs the stages of a console action. Each stage gets the request and its own args; the last one's console is the
 * result.
 * @param signal cancels opening it; an open console is unaffected
 * @throws {AgentError} `timeout` when it does not open in time
 */
export const openConsole = async (
  action: Action,
  request: ConsoleQuery,
  signal: AbortSignal,
): Promise<Duplex> => {
  let last: Duplex | undefined;
  for (const stage of action.stages) {
    last?.destroy();
    const { client, throttle } = stage.service;
    last = await withDeadline(timeLimitOf(stage), signal, (openSignal) =>
      // An open console does not hold a call slot: it may stay open for hours.
      throttle(() => client.connect({ ...stage.args, ...request }, openSignal)),
    );
  }
  if (!last) throw notConfigured(action.name);
  return last;
};
