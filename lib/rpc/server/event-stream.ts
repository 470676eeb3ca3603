import { EventEmitter } from 'node:events';
import { PassThrough, type Readable } from 'node:stream';
import type { GuestState, Progress, SubAgentEvent } from '../protocol/messages.js';
import type { GuestStates } from './guest-states.js';

/** How often an idle event stream says that the sub-agent is alive. */
export const HEARTBEAT_MS = 5000;

/** What a sub-agent's calls under way have to tell beside their answers. */
export class CallEvents extends EventEmitter<{ progress: [Progress] }> {}

/** The states of all guests, then everything that happens, as JSON lines, until `signal` is aborted. */
export const eventStream = (states: GuestStates, calls: CallEvents, signal: AbortSignal): Readable => {
  const stream = new PassThrough();
  const write = (event: SubAgentEvent): void => {
    stream.write(`${JSON.stringify(event)}\n`);
  };
  const onChanged = (guest: GuestState): void => write({ guest });
  const onRemoved = (removed: string): void => write({ removed });
  const onProgress = (progress: Progress): void => write({ progress });
  write({ guests: states.all() });
  states.on('changed', onChanged).on('removed', onRemoved);
  calls.on('progress', onProgress);
  const heartbeat = setInterval(() => write({}), HEARTBEAT_MS);
  const stop = (): void => {
    clearInterval(heartbeat);
    states.off('changed', onChanged).off('removed', onRemoved);
    calls.off('progress', onProgress);
    stream.end();
  };
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  return stream;
};
