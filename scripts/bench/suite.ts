/** The target of a figure. */
export interface Target {
  atLeast?: number;
  atMost?: number;
  /** The lowest acceptable ratio to the yardstick. */
  ofBare?: number;
}

/** A measured figure. */
export interface Figure {
  /** The line in the report. */
  name: string;
  /** `requests/s`, `ms`, `MB`, … */
  unit: string;
  /** One value per round. */
  values: readonly number[];
  /** The yardstick's values, each measured right after the agent's value of the same index. */
  bare?: readonly number[];
  target?: Target;
}

/** The length of the measurements. */
export interface Pace {
  rounds: number;
  /** The length of one round. */
  seconds: number;
  warmUpSeconds: number;
}

/** The warm-up is long because V8 optimizes code for some seconds. */
export const USUAL_PACE: Pace = { rounds: 5, seconds: 3, warmUpSeconds: 5 };
export const QUICK_PACE: Pace = { rounds: 3, seconds: 1, warmUpSeconds: 1 };

/** Figures that are measured together, in one run. */
export interface Suite {
  /** The name on the command line. */
  name: string;
  /** A description in one line. */
  title: string;
  /** Whether the suite runs only when it is named, because of its needs or its length. */
  onlyWhenNamed?: boolean;
  run(pace: Pace): Promise<Figure[]>;
}
