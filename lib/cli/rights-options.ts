import {
  type Binding,
  type Grant,
  grantOf,
  grantsOfScope,
  type Scope,
  scopeOfGrants,
  unboundable,
  VERBS,
  type Verb,
} from '../model/rights.js';
import { isUuid } from '../portable/uuid.js';
import { invalidValue, usageFailure } from './failure.js';

/** What a new token, or a user, may do. */
export interface RightsOptions {
  scope?: Scope;
  can?: Verb[];
  guests?: Binding;
}

const isVerb = (name: string): name is Verb => (VERBS as readonly string[]).includes(name);

const partsOf = (text: string): string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean);

export const parseRights = (text: string): Verb[] => {
  const names = partsOf(text);
  const unknown = names.find((name) => !isVerb(name));
  if (unknown !== undefined || names.length === 0)
    throw invalidValue(`"${unknown ?? text}" is no right: choose from ${VERBS.join(', ')}`);
  return names.filter(isVerb);
};

export const parseGuests = (text: string): Binding => {
  const parts = partsOf(text);
  const tags = parts.flatMap((part) => (part.startsWith('tag=') ? [part.slice(4)] : []));
  const ids = parts.filter((part) => !part.startsWith('tag='));
  const wrong = ids.find((id) => !isUuid(id));
  if (wrong !== undefined || parts.length === 0 || tags.includes(''))
    throw invalidValue(
      `"${wrong ?? text}" selects no guest: give tag=TAG, or the id of a guest, since names may change`,
    );
  return {
    ...(ids.length > 0 ? { ids: ids.map((id) => id.toLowerCase()) } : {}),
    ...(tags.length > 0 ? { tags } : {}),
  };
};

/** @throws {Failure} for a right over the host that is to be for some guests alone */
export const givenGrants = ({ scope = 'read', can, guests }: RightsOptions): Grant[] => {
  const wanted = can ?? (scope === 'metrics' ? [scope] : []);
  const [wrong] = guests ? unboundable(wanted) : [];
  if (wrong !== undefined)
    throw usageFailure(
      `"${wrong}" concerns the whole host, so it cannot be for some guests alone`,
      'Leave out --guests, or this right.',
    );
  return can ? [grantOf(can, guests)] : grantsOfScope(scope, guests);
};

/** Lists rights by the name of their set, if they have one. */
export const describeRights = (grants: readonly Grant[]): string =>
  scopeOfGrants(grants) ?? grants.map(({ can }) => can.join(',')).join('; ');

/** Lists the guests that rights are for. */
export const describeGuests = (grants: readonly Grant[]): string =>
  grants
    .map(({ guests }) =>
      guests ? [...(guests.tags ?? []).map((tag) => `tag=${tag}`), ...(guests.ids ?? [])].join(',') : 'all',
    )
    .join('; ');
