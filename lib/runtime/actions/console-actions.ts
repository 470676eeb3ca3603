import type { Duplex } from 'node:stream';
import { actionName } from '../../model/actions.js';
import type { Guest } from '../../model/guest.js';
import type { ConsoleQuery } from '../../rpc/client/service-client.js';
import type { Answered, Runtime } from '../runtime.js';

export type ConsoleKind = 'serial' | 'vnc';

/**
 * Opens a guest's serial console or its screen.
 * @param request what is wanted of it, beside which guest it is
 */
export const openGuestConsole = (
  runtime: Runtime,
  { id, type }: Guest,
  kind: ConsoleKind,
  request: ConsoleQuery,
  signal: AbortSignal,
): Promise<Answered<Duplex>> => {
  const action = runtime.action(actionName(type, `${kind}Console`));
  return runtime.connect(id, action, { ...request, guest: id }, signal);
};
