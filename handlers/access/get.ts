import type { Context } from '../../lib/agent/context.js';
import type { Event, Reply } from '../../lib/model/endpoint.js';
import type { AccessInfo } from '../../lib/model/principal.js';
import { scopeOfGrants } from '../../lib/model/rights.js';
import { ok } from '../replies.js';

/** Returns who the client is, and what it may do. */
export const getAccess = async (
  { principal }: Event,
  { runtime: { quota } }: Pick<Context, 'runtime'>,
): Promise<Reply<AccessInfo>> => {
  const { name, grants, owner } = principal ?? { name: '', grants: [] };
  const scope = scopeOfGrants(grants);
  return ok({
    name,
    ...(scope ? { scope } : {}),
    grants,
    ...(owner === undefined
      ? {}
      : { owner, quota: { used: quota.usage(owner), limits: quota.limitsOf(owner) } }),
  });
};
