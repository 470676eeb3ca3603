import picocolors from 'picocolors';

/** Whether a stream takes colours: a terminal does, unless NO_COLOR (https://no-color.org) says otherwise. */
export const takesColours = (stream: { isTTY?: boolean }, env = process.env): boolean =>
  stream.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb';

export type Colours = ReturnType<typeof picocolors.createColors>;

export const coloursFor = (stream: { isTTY?: boolean }): Colours =>
  picocolors.createColors(takesColours(stream));

const BY_WORD: Record<string, 'green' | 'yellow' | 'red' | 'dim'> = {
  running: 'green',
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
  shutoff: 'dim',
  stopped: 'dim',
  Queued: 'dim',
};

/** A state of a guest or a status of a job in the colour of how well things are. */
export const colourState = (colours: Colours, state: string): string => {
  const colour = BY_WORD[state];
  return colour ? colours[colour](state) : state;
};
