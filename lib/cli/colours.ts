import picocolors from 'picocolors';

/** Whether to write colours to a stream: to a terminal, unless NO_COLOR (https://no-color.org) is set. */
export const supportsColours = (stream: { isTTY?: boolean }, env = process.env): boolean =>
  stream.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb';

export type Colours = ReturnType<typeof picocolors.createColors>;

export const coloursFor = (stream: { isTTY?: boolean }): Colours =>
  picocolors.createColors(supportsColours(stream));

const COLOUR_OF: Record<string, 'green' | 'yellow' | 'red' | 'dim'> = {
  running: 'green',
  up: 'green',
  Complete: 'green',
  Running: 'yellow',
  paused: 'yellow',
  suspended: 'yellow',
  create: 'yellow',
  pending: 'yellow',
  crashed: 'red',
  error: 'red',
  Error: 'red',
  unknown: 'red',
  down: 'red',
  shutoff: 'dim',
  stopped: 'dim',
  Queued: 'dim',
};

/** Colours the state of a guest or the status of a job: red for a failure. */
export const colourState = (colours: Colours, state: string): string => {
  // A reason may follow the state, and warnings.
  const colour = COLOUR_OF[state.split(/[ ,]/)[0] ?? ''];
  return colour ? colours[colour](state) : state;
};
