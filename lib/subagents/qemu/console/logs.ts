import { Readable } from 'node:stream';
import { CONTAINER_LOGS_KEYS } from '../../../model/guest-logs.js';
import type { ByteStream } from '../../../rpc/protocol/byte-stream.js';
import type { LogsRequest } from '../../../rpc/protocol/logs-messages.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import type { GuestPaths } from '../layout.js';
import { followLog, type LogStart, readLog } from './follow-log.js';

/** @throws {Refusal} for what only the output of a container has */
const requireSerial = (request: LogsRequest): void => {
  const key = CONTAINER_LOGS_KEYS.find((each) => request[each] !== undefined);
  if (key !== undefined)
    throw new Refusal(
      'invalid',
      `guest ${request.guest} is a virtual machine, whose serial log is one output without times: leave out ${key}`,
    );
};

/**
 * Opens what a virtual machine has printed on its serial console, on or off. With `follow` it ends when the guest is
 * deleted.
 * @throws {Refusal} `invalid` for what only the output of a container has
 */
export const openLogs = (
  { serialLog }: GuestPaths,
  request: LogsRequest,
  signal: AbortSignal,
): ByteStream => {
  requireSerial(request);
  const start: LogStart = request.tail === undefined ? 'first' : { lines: request.tail };
  const bytes = request.follow ? followLog(serialLog, start, signal) : readLog(serialLog, start);
  return { bytes: Readable.from(bytes, { objectMode: false }) };
};
