import type { Context } from '../../lib/agent/context.js';
import type { Event, Reply } from '../../lib/model/endpoint.js';
import { mayEverywhere } from '../../lib/model/rights.js';
import type { ServiceStatus } from '../../lib/model/service-status.js';
import { ok } from '../replies.js';

/**
 * Returns whether each service's sub-agent responds, why not, and what it could not do yet. The reasons may name any guest,
 * so that only clients which see all of them get these.
 */
export const listServices = async (
  { principal }: Event,
  { services, downReasons, problems, parts }: Context,
): Promise<Reply<ServiceStatus[]>> => {
  const seesAll = mayEverywhere(principal, 'look');
  const [reasons, open] = seesAll ? [downReasons(), problems()] : [new Map(), new Map()];
  const partOf = new Map(
    parts.flatMap((part) => part.services.map((service) => [service, part.name] as const)),
  );
  return ok(
    [...services()].map(([name, up]) => {
      const [reason, unsolved] = [reasons.get(name), open.get(name)];
      return {
        ...{ name, part: partOf.get(name) ?? name, up },
        ...(up || reason === undefined ? {} : { reason }),
        ...(unsolved ? { problems: unsolved } : {}),
      };
    }),
  );
};
