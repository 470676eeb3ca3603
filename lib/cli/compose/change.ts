import { isDeepStrictEqual } from 'node:util';
import type { Guest, GuestPatch, GuestSpec } from '../../client/index.js';
import { defaultMemory } from '../../model/container/memory.js';

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Returns the merge patch (RFC 7396) between two objects. */
const mergePatch = (before: Fields, after: Fields): Fields => {
  const gone = Object.keys(before).filter((key) => after[key] === undefined);
  const patch: Record<string, unknown> = Object.fromEntries(gone.map((key) => [key, null]));
  for (const [key, value] of Object.entries(after)) {
    const earlier = before[key];
    if (value === undefined || isDeepStrictEqual(earlier, value)) continue;
    patch[key] = isFields(earlier) && isFields(value) ? mergePatch(earlier, value) : value;
  }
  return patch;
};

const SECRET = 'container.secretEnv.';

/** What a guest has, as far as a spec says such things. No client can read the values of secret variables. */
const present = ({ image, memory, cpu, restart, autostart, container = {}, hidden = [] }: Guest): Fields => {
  const { imageMounts: _, ...spec } = container;
  const secrets = hidden.filter((name) => name.startsWith(SECRET));
  const secretEnv = Object.fromEntries(secrets.map((name) => [name.slice(SECRET.length), undefined]));
  return {
    ...{ image, memory, cpu, restart, autostart },
    container: { ...spec, ...(secrets.length > 0 ? { secretEnv } : {}) },
  };
};

const wanted = ({ image, memory, cpu, restart, autostart, container = {} }: GuestSpec): Fields => ({
  ...{ image, memory: memory ?? defaultMemory({ container }), cpu, restart, autostart, container },
});

const hasNics = ({ nics = [] }: Guest, spec: GuestSpec): boolean => {
  const asked = spec.nics ?? [];
  const isSame = (nic: Fields, index: number): boolean =>
    Object.entries(nic).every(([key, value]) =>
      isDeepStrictEqual((nics[index] as Fields | undefined)?.[key], value),
    );
  return nics.length === asked.length && asked.every(isSame);
};

const withoutUndefined = (fields: Fields): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

/** Returns the patch that makes a guest what a spec describes; `undefined` when no patch can, since its NICs differ. */
export const changeTo = (guest: Guest, spec: GuestSpec): GuestPatch | undefined =>
  hasNics(guest, spec)
    ? (mergePatch(withoutUndefined(present(guest)), wanted(spec)) as GuestPatch)
    : undefined;
