import { HEALTH_STATUSES, type HealthStatus, type ProgramRun } from '../../model/program-run.js';

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
  /** Of its last start and end; Go's zero time before the first. */
  StartedAt: string;
  FinishedAt: string;
  /** Absent, or of the status `none` or `""`, without a health check. */
  Health?: { Status: string } | undefined;
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

/** The beginning of Go's zero time. */
const NEVER = '0001-';

const timeOf = (text: string): string | undefined =>
  text === '' || text.startsWith(NEVER) ? undefined : new Date(text).toISOString();

const healthOf = ({ Health }: EngineState): HealthStatus | undefined =>
  HEALTH_STATUSES.find((status) => status === Health?.Status);

/**
 * Describes the latest run of a container's program; `undefined` before its first start.
 * @param restarts how often the engine has started it again
 */
export const programRunOf = (state: EngineState, restarts = 0): ProgramRun | undefined => {
  const started = timeOf(state.StartedAt);
  if (started === undefined || NEVER_RAN.has(state.Status)) return undefined;
  const again = restarts > 0 ? { restarts } : {};
  const health = healthOf(state);
  if (stateOf(state) !== 'stopped') return { started, ...again, ...(health ? { health } : {}) };
  const ended = timeOf(state.FinishedAt) ?? started;
  return {
    started,
    // Podman takes the time of the end from a file, whose clock is coarser.
    ended: ended < started ? started : ended,
    exitCode: state.ExitCode,
    ...(state.OOMKilled ? { outOfMemory: true } : {}),
    ...again,
  };
};
