import { exists } from '../../../files/exists.js';
import { listDatasets, zfs } from './command.js';
import { SECTIONS } from './layout.js';

/** The property of a store's root that names the state directory of its sub-agent. Children inherit it. */
const OWNER_PROPERTY = 'mistify:owner';

/** A dataset that another sub-agent has claimed, and that sub-agent's state directory. */
interface Claim {
  dataset: string;
  owner: string;
}

/** Returns the claims on a dataset and the nearest one on those above it, except those of `self` and of owners that are gone. */
const findClaims = async (dataset: string, self: string): Promise<Claim[]> => {
  const output = await zfs('get', '-H', '-o', 'source,value', OWNER_PROPERTY, dataset);
  const [source = '', owner = '-'] = output.trim().split('\t');
  const inherited = /^inherited from (.+)$/.exec(source)?.[1];
  if (owner === '-' || owner === self || !(await exists(owner))) return [];
  return [{ dataset: inherited ?? dataset, owner }];
};

const sectionsOf = (root: string): string[] => SECTIONS.map((name) => `${root}/${name}`);

/** Whether the stores at two datasets would share datasets. */
const collide = (one: string, other: string): boolean =>
  one === other ||
  sectionsOf(one).some((section) => other === section || other.startsWith(`${section}/`)) ||
  sectionsOf(other).some((section) => one === section || one.startsWith(`${section}/`));

/**
 * Claims the root of a store for the sub-agent with the state directory `owner`. The claim lasts as long as that
 * directory, since guests that still run have their disks in the store.
 * @throws when another sub-agent has claimed the root, or a dataset that shares datasets with it
 */
export const claimRoot = async (root: string, owner: string): Promise<void> => {
  for (const dataset of [root, ...sectionsOf(root)]) {
    if ((await listDatasets(['name'], dataset)).length === 0) continue;
    for (const claim of await findClaims(dataset, owner))
      if (collide(claim.dataset, root))
        throw new Error(
          `the ZFS dataset ${claim.dataset} belongs to another agent of this host (${claim.owner}): give this one a dataset of its own with --pool, or, if that agent is gone, run zfs inherit ${OWNER_PROPERTY} ${claim.dataset}`,
        );
  }
  if ((await listDatasets(['name'], root)).length > 0) await zfs('set', `${OWNER_PROPERTY}=${owner}`, root);
};
