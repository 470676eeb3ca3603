/** What a figure is to be, for those that have a target. */
export interface Target {
  atLeast?: number;
  atMost?: number;
  /** At least so much of what the yardstick does. */
  ofBare?: number;
}

/** Something that was measured, in several rounds. */
export interface Figure {
  /** What was measured. */
  name: string;
  /** `requests/s`, `ms`, `MB`, … */
  unit: string;
  /** One a round. */
  values: readonly number[];
  /** The same of the yardstick, each of its rounds beside one of ours. */
  bare?: readonly number[];
  target?: Target;
}

/** How long to measure. */
export interface Pace {
  rounds: number;
  /** Of one round. */
  seconds: number;
  warmUpSeconds: number;
}

/** V8 goes on compiling for some seconds. */
export const USUAL_PACE: Pace = { rounds: 5, seconds: 3, warmUpSeconds: 5 };
export const QUICK_PACE: Pace = { rounds: 3, seconds: 1, warmUpSeconds: 1 };

/** Figures that are measured together, in one run. */
export interface Suite {
  /** How the command line calls it. */
  name: string;
  /** What it measures, in one line. */
  title: string;
  /** Whether it is left out when no suite is named, for what it needs or how long it takes. */
  onlyWhenNamed?: boolean;
  run(pace: Pace): Promise<Figure[]>;
}
