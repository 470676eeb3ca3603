import type { Command } from 'commander';
import type { AccessInfo } from '../../model/principal.js';
import { formatMb } from '../../portable/format.js';
import { describeGuests, describeRights } from '../rights-options.js';
import { withSession } from '../session.js';

type Quota = NonNullable<AccessInfo['quota']>;
type Resource = keyof Quota['used'];

/** Formats what the guests of the client have, of what they may have. */
const shareOf = ({ used, limits }: Quota, resource: Resource): string => {
  const format = resource === 'memory' || resource === 'disk' ? formatMb : String;
  const limit = limits[resource];
  return limit === undefined ? format(used[resource]) : `${format(used[resource])} of ${format(limit)}`;
};

const sharesOf = (quota: Quota): Record<string, string> =>
  Object.fromEntries(
    (Object.keys(quota.used) as Resource[]).map((resource) => [
      resource === 'guests' ? 'own guests' : `their ${resource}`,
      shareOf(quota, resource),
    ]),
  );

export const addWhoamiCommand = (program: Command): void => {
  program
    .command('whoami')
    .description('show who the agent takes you for, what you may do, and what your guests have of your quota')
    .action(
      withSession(async ({ client, out }) => {
        const access = await client.access();
        if (out.json) return out.value(access);
        const { name, grants, quota } = access;
        await out.one({
          name,
          rights: describeRights(grants),
          'for guests': describeGuests(grants),
          ...(quota ? sharesOf(quota) : {}),
        });
      }),
    );
};
