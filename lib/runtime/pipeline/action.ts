import type { TimeLimit } from '../../async/deadline.js';
import type { ActionConfig } from '../../config/schema.js';
import { serviceTimeout } from '../../errors.js';
import { ACTION_SPECS, type ActionKind } from '../../model/actions.js';
import type { StageArgs } from '../../rpc/protocol/calls.js';
import type { Service } from './service.js';

const DEFAULT_TIMEOUT_SECONDS: Record<ActionKind, number> = {
  ...{ info: 10, stream: 10, console: 10, async: 600 },
  upload: 6 * 60 * 60,
};

/** One call to a sub-agent, a step of an action's pipeline. */
export interface Stage {
  service: Service;
  method: string;
  /** The method that checks the stage's request for a dry run; `undefined` when the config names none. */
  check: string | undefined;
  args: StageArgs | undefined;
  /** Seconds. For a stream or a console: until it opens. For an upload: from its first byte to the response. */
  timeout: number;
  /** Whether it may run again after an interruption that leaves its progress unknown. */
  idempotent: boolean;
  /** Whether it also runs after an earlier stage has failed; it is safe to repeat. */
  always: boolean;
}

/** An action with the pipeline that the config gives it. */
export interface Action {
  name: string;
  kind: ActionKind;
  /** Whether its stages may take as long as a download. */
  isDownload: boolean;
  /** In the order they run. */
  stages: readonly Stage[];
}

/** Returns a stage's timeout, as a limit that expires with an error naming the service and the method. */
export const timeLimitOf = ({ service, method, timeout }: Stage): TimeLimit => ({
  ms: timeout * 1000,
  expired: () => serviceTimeout(service.name, method, timeout),
});

/** How long a stage may take beyond the `timeout` that its request gives the guest, in seconds. */
const MARGIN_SECONDS = 60;

/**
 * Returns an action whose stages get the request's arguments on top of the config's. The argument `timeout`, in
 * seconds, extends stage timeouts that are shorter.
 */
export const withArgs = (action: Action, args: StageArgs | undefined): Action => {
  if (!args) return action;
  const least = args.timeout === undefined ? 0 : Number(args.timeout) + MARGIN_SECONDS;
  const stages = action.stages.map((stage) => ({
    ...stage,
    args: { ...stage.args, ...args },
    timeout: Math.max(stage.timeout, least),
  }));
  return { ...action, stages };
};

/**
 * Builds an action from its part of the config.
 * @throws {TypeError} when the action or a service is unknown, which loading the config rules out
 */
export const buildAction = (
  name: string,
  { stages }: ActionConfig,
  services: ReadonlyMap<string, Service>,
): Action => {
  const spec = ACTION_SPECS.get(name);
  if (!spec) throw new TypeError(`unknown action: ${name}`);
  return {
    name,
    kind: spec.kind,
    isDownload: spec.takesLong === true,
    stages: stages.map(
      ({ service: serviceName, method, check, args, timeout, idempotent = false, always = false }) => {
        const service = services.get(serviceName);
        if (!service) throw new TypeError(`unknown service: ${serviceName}`);
        return {
          service,
          method,
          check,
          args,
          timeout: timeout ?? service.timeout ?? DEFAULT_TIMEOUT_SECONDS[spec.kind],
          idempotent: idempotent || always,
          always,
        };
      },
    ),
  };
};
