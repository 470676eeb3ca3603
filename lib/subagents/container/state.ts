/** The states of a container guest. */
export type ContainerState = 'running' | 'paused' | 'stopped' | 'deleted' | 'unknown';

/** What the engine says of a container (`ContainerInspect`, `State`). */
export interface EngineState {
  Running: boolean;
  Paused: boolean;
}

/** Of Docker a paused container is a running one, too; of Podman it is not. */
export const stateOf = ({ Running, Paused }: EngineState): ContainerState => {
  if (Paused) return 'paused';
  return Running ? 'running' : 'stopped';
};
