import { EventEmitter } from 'node:events';
import { PassThrough, type Readable } from 'node:stream';
import type { HostProgram } from '../../model/host-program.js';
import { HEARTBEAT_MS } from '../protocol/heartbeat.js';
import type { GuestState, Progress, SubAgentEvent } from '../protocol/sub-agent-events.js';
import type { GuestStates } from './guest-states.js';
import type { Problems } from './problems.js';
import type { Programs } from './programs.js';

/** Emits the progress of running calls. */
export class CallEvents extends EventEmitter<{ progress: [Progress] }> {}

export interface EventSources {
  states: GuestStates;
  calls: CallEvents;
  problems: Problems;
  programs: Programs;
}

/** Makes the event stream of a sub-agent, which ends when `signal` aborts. */
export const eventStream = (
  { states, calls, problems, programs }: EventSources,
  signal: AbortSignal,
): Readable => {
  const stream = new PassThrough();
  const write = (event: SubAgentEvent): void => {
    stream.write(`${JSON.stringify(event)}\n`);
  };
  const onChanged = (guest: GuestState): void => write({ guest });
  const onRemoved = (removed: string): void => write({ removed });
  const onProgress = (progress: Progress): void => write({ progress });
  const onProblems = (all: string[]): void => write({ problems: all });
  const onPrograms = (all: HostProgram[]): void => write({ programs: all });
  write({ guests: states.all() });
  // The agent forgets the problems and programs of an earlier connection at the first line.
  if (problems.all().length > 0) onProblems(problems.all());
  if (programs.all().length > 0) onPrograms(programs.all());
  states.on('changed', onChanged).on('removed', onRemoved);
  calls.on('progress', onProgress);
  problems.on('changed', onProblems);
  programs.on('changed', onPrograms);
  const heartbeat = setInterval(() => write({}), HEARTBEAT_MS);
  const stop = (): void => {
    clearInterval(heartbeat);
    states.off('changed', onChanged).off('removed', onRemoved);
    calls.off('progress', onProgress);
    problems.off('changed', onProblems);
    programs.off('changed', onPrograms);
    stream.end();
  };
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  return stream;
};
