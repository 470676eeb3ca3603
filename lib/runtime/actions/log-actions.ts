import { actionName } from '../../model/actions.js';
import type { Guest } from '../../model/guest.js';
import type { LogsQuery } from '../../model/guest-logs.js';
import type { ByteStream } from '../../rpc/protocol/byte-stream.js';
import type { LogsRequest } from '../../rpc/protocol/logs-messages.js';
import type { ActionResult, Runtime } from '../runtime.js';

/** Opens what a guest has printed: a container's output, or the serial console of a virtual machine. */
export const openGuestLogs = (
  runtime: Runtime,
  { id, type }: Guest,
  query: LogsQuery,
  signal: AbortSignal,
): Promise<ActionResult<ByteStream>> => {
  const request: LogsRequest = { ...query, guest: id };
  return runtime.stream(id, runtime.action(actionName(type, 'logs')), request, signal);
};
