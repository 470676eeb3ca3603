import type { Duplex } from 'node:stream';
import { actionName } from '../../model/actions.js';
import type { Guest } from '../../model/guest.js';
import type { ConsoleQuery } from '../../rpc/client/service-client.js';
import type { ActionResult, Runtime } from '../runtime.js';

export type ConsoleKind = 'serial' | 'vnc';

/**
 * Opens a guest's serial console or its VNC screen.
 * @param query options of the console; the guest's id is added
 */
export const openGuestConsole = (
  runtime: Runtime,
  { id, type }: Guest,
  kind: ConsoleKind,
  query: ConsoleQuery,
  signal: AbortSignal,
): Promise<ActionResult<Duplex>> => {
  const action = runtime.action(actionName(type, `${kind}Console`));
  return runtime.connect(id, action, { ...query, guest: id }, signal);
};
