/** The path of a service's RPC, unless its config names another. */
export const RPC_PATH = '/_mistify_RPC_';

/** The path of a sub-agent's `Health`. */
export const HEALTH_PATH = '/_mistify_health_';

/** The path to which the agent posts `{"job": ID}` when it cancels a job whose call is a download. */
export const CANCEL_PATH = '/_mistify_cancel_';

/** Headers of an async action's call: its job, stage and attempt. */
export const CALL_HEADERS = {
  job: 'x-mistify-job',
  stage: 'x-mistify-stage',
  attempt: 'x-mistify-attempt',
} as const;

/** The stage that an async action's call belongs to. A sub-agent recognises a repeated call by it. */
export interface JobStage {
  /** The job's id. */
  job: string;
  /** Counts from 0. */
  stage: number;
  /** Counts from 1. */
  attempt: number;
}

/** Strings from the config for one stage. The agent does not interpret them. */
export type StageArgs = Record<string, string>;

export interface Health {
  name: string;
  status: 'ok' | 'degraded';
  /** The problem of a degraded sub-agent. */
  message?: string;
  methods: string[];
}
