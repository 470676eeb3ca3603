import { EventEmitter } from 'node:events';
import { PassThrough, type Readable } from 'node:stream';
import { HEARTBEAT_MS } from '../protocol/heartbeat.js';
import type { GuestState, Progress, SubAgentEvent } from '../protocol/messages.js';
import type { GuestStates } from './guest-states.js';

/** Emits the progress of running calls. */
export class CallEvents extends EventEmitter<{ progress: [Progress] }> {}

/** Makes the event stream of a sub-agent, which ends when `signal` aborts. */
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
