/** The states of a container guest. */
export type ContainerState = 'running' | 'paused' | 'stopped' | 'deleted' | 'unknown';

/** The parts of `State` in `ContainerInspect` of the Docker Engine API in use here. */
export interface EngineState {
  Running: boolean;
  Paused: boolean;
  OOMKilled: boolean;
  ExitCode: number;
  /** `created` before the first start; Podman also has `configured` and `initialized`. */
  Status: string;
}

const NEVER_RAN: ReadonlySet<string> = new Set(['created', 'configured', 'initialized']);

/** Converts the engine's state. Docker reports a paused container as running, too; Podman does not. */
export const stateOf = ({ Running, Paused }: EngineState): ContainerState => {
  if (Paused) return 'paused';
  return Running ? 'running' : 'stopped';
};

/** Why a stopped container stopped; `undefined` for one that has never run, or is not stopped. */
export const reasonOf = (state: EngineState): string | undefined => {
  if (stateOf(state) !== 'stopped' || NEVER_RAN.has(state.Status)) return undefined;
  return state.OOMKilled ? 'out of memory' : `exit code ${state.ExitCode}`;
};
