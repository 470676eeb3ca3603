import type { Guest } from './guest.js';

/**
 * What a client may do:
 * - `metrics` reads the metrics of Prometheus;
 * - `look` sees guests, and what belongs to them;
 * - `content` reads the content of disks, the output of guests, files in them, and the secrets in metadata;
 * - `console` opens consoles and acts inside of guests;
 * - `power` turns guests on and off;
 * - `change` creates, changes and deletes guests;
 * - `snapshot` and `backup` make, restore and delete these;
 * - `host` changes what all guests share: images, volumes, schedules, the host's metadata, and whether the host goes down;
 * - `admin` reads the profiles of the agent.
 */
export const VERBS = [
  ...(['metrics', 'look', 'content', 'console', 'power'] as const),
  ...(['change', 'snapshot', 'backup', 'host', 'admin'] as const),
] as const;
export type Verb = (typeof VERBS)[number];

/** The verbs that concern the host as a whole, so that no grant for some guests has them. */
const HOST_VERBS: readonly Verb[] = ['metrics', 'host', 'admin'];

const OPERATE = VERBS.filter((verb) => verb !== 'admin');

/** Short names of sets of verbs. Each includes those before it. */
const SCOPE_VERBS = {
  metrics: ['metrics'],
  read: ['metrics', 'look'],
  export: ['metrics', 'look', 'content'],
  operate: OPERATE,
  admin: VERBS,
} as const satisfies Record<string, readonly Verb[]>;

export type Scope = keyof typeof SCOPE_VERBS;
export const SCOPES = Object.keys(SCOPE_VERBS) as Scope[];

/** The guests that a grant is for: those of the ids, and those with one of the tags. */
export interface Binding {
  ids?: string[];
  tags?: string[];
}

/** What a client may do with some guests or, without a binding, with all of them and with the host. */
export interface Grant {
  can: Verb[];
  guests?: Binding;
}

/** What decides about the rights on a guest. */
export type Subject = Pick<Guest, 'id' | 'tags'>;

/** Who may do something: nobody, on a public route. */
export type Client = { grants: readonly Grant[] } | undefined;

/** Makes a grant. What one may act on, one may see. */
export const grantOf = (can: readonly Verb[], guests?: Binding): Grant => ({
  can: VERBS.filter(
    (verb) => can.includes(verb) || (verb === 'look' && can.some((each) => each !== 'metrics')),
  ),
  ...(guests ? { guests } : {}),
});

/** Returns the grants of a scope. With a binding, it has no verbs that concern the whole host. */
export const grantsOfScope = (scope: Scope, guests?: Binding): Grant[] => [
  grantOf(
    SCOPE_VERBS[scope].filter((verb) => !guests || !HOST_VERBS.includes(verb)),
    guests,
  ),
];

/** Returns the verbs that a grant for some guests cannot have. */
export const unboundable = (can: readonly Verb[]): Verb[] => can.filter((verb) => HOST_VERBS.includes(verb));

/** Names the scope that grants are, if they are one. */
export const scopeOfGrants = ([grant, ...others]: readonly Grant[]): Scope | undefined => {
  if (!grant || others.length > 0 || grant.guests) return undefined;
  return SCOPES.find((scope) => SCOPE_VERBS[scope].join() === grant.can.join());
};

const covers = ({ guests }: Grant, { id, tags = [] }: Subject): boolean =>
  guests === undefined ||
  guests.ids?.includes(id) === true ||
  guests.tags?.some((tag) => tags.includes(tag)) === true;

/** Whether a client has a verb for anything at all. */
export const may = (client: Client, verb: Verb): boolean =>
  client?.grants.some(({ can }) => can.includes(verb)) === true;

/** Whether a client has a verb for all guests and the host. */
export const mayEverywhere = (client: Client, verb: Verb): boolean =>
  client?.grants.some(({ can, guests }) => guests === undefined && can.includes(verb)) === true;

/** Whether a client has a verb for a guest. */
export const mayOn = (client: Client, verb: Verb, guest: Subject): boolean =>
  client?.grants.some((grant) => grant.can.includes(verb) && covers(grant, guest)) === true;

/** Returns the tags that bind a client's verb to guests. */
export const boundTags = (client: Client, verb: Verb): string[] =>
  (client?.grants ?? []).flatMap(({ can, guests }) => (can.includes(verb) ? (guests?.tags ?? []) : []));
