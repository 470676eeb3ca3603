import type { ActionConfig } from '../../config/schema.js';
import { ACTION_TYPES, type ActionType } from '../../model/actions.js';
import type { StageArgs } from '../../rpc/protocol/messages.js';
import type { Service } from './service.js';

const DEFAULT_TIMEOUT_SECONDS: Record<ActionType, number> = { info: 10, stream: 10, console: 10, async: 600 };

/** One call to a sub-agent, a step of an action's pipeline. */
export interface Stage {
  service: Service;
  method: string;
  args: StageArgs | undefined;
  /** Seconds. For a stream or a console: until it begins. */
  timeout: number;
  /** Whether it may be run again when nobody knows how far it came. */
  idempotent: boolean;
}

/** What the config makes of an action: its stages, in order. */
export interface Action {
  name: string;
  type: ActionType;
  stages: readonly Stage[];
}

/** Builds an action from its part of the config, whose services and action names have been checked. */
export const buildAction = (
  name: string,
  { stages }: ActionConfig,
  services: ReadonlyMap<string, Service>,
): Action => {
  const type = ACTION_TYPES.get(name);
  if (!type) throw new TypeError(`there is no action ${name}`);
  return {
    name,
    type,
    stages: stages.map(({ service: serviceName, method, args, timeout, idempotent = false }) => {
      const service = services.get(serviceName);
      if (!service) throw new TypeError(`there is no service ${serviceName}`);
      return {
        service,
        method,
        args,
        timeout: timeout ?? service.timeout ?? DEFAULT_TIMEOUT_SECONDS[type],
        idempotent,
      };
    }),
  };
};
