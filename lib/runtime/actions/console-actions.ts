import type { Duplex } from 'node:stream';
import { invalid } from '../../errors.js';
import { actionName } from '../../model/actions.js';
import { type Guest, isContainer } from '../../model/guest.js';
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

/**
 * Opens a connection to a program that runs in a container.
 * @throws {AgentError} `invalid` for a virtual machine
 */
export const openExecSession = (
  runtime: Runtime,
  guest: Guest,
  signal: AbortSignal,
): Promise<ActionResult<Duplex>> => {
  if (!isContainer(guest))
    throw invalid(
      `guest ${guest.id} is a virtual machine, whose guest agent connects no terminal and no input to a running program: ` +
        'send the input with the request to run it (exec), or use its console',
    );
  const action = runtime.action(actionName(guest.type, 'execSession'));
  return runtime.connect(guest.id, action, { guest: guest.id }, signal);
};
