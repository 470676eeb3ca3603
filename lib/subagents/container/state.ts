/** The states of a container guest. */
export type ContainerState = 'running' | 'paused' | 'stopped' | 'deleted' | 'unknown';

/** The parts of `State` in `ContainerInspect` of the Docker Engine API in use here. */
export interface EngineState {
  Running: boolean;
  Paused: boolean;
}

/** Converts the engine's state. Docker reports a paused container as running, too; Podman does not. */
export const stateOf = ({ Running, Paused }: EngineState): ContainerState => {
  if (Paused) return 'paused';
  return Running ? 'running' : 'stopped';
};
