import type { Context } from '../../lib/agent/context.js';
import type { Event, Reply } from '../../lib/model/endpoint.js';
import type { ServiceStatus } from '../../lib/model/service-status.js';
import { ok } from '../replies.js';

/** Returns whether each service's sub-agent responds, why not, and what it could not do yet. */
export const listServices = async (
  _event: Event,
  { services, downReasons, problems }: Context,
): Promise<Reply<ServiceStatus[]>> => {
  const [reasons, open] = [downReasons(), problems()];
  return ok(
    [...services()].map(([name, up]) => {
      const [reason, unsolved] = [reasons.get(name), open.get(name)];
      return {
        ...{ name, up },
        ...(up || reason === undefined ? {} : { reason }),
        ...(unsolved ? { problems: unsolved } : {}),
      };
    }),
  );
};
