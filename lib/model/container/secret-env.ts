import type { Guest } from '../guest.js';

const hiddenName = (name: string): string => `container.secretEnv.${name}`;

/** Returns a guest without its secret environment. `hidden` names the variables. */
export const withoutSecretEnv = (guest: Guest): Guest => {
  if (guest.container?.secretEnv === undefined) return guest;
  const { secretEnv, ...container } = guest.container;
  const { hidden = [] } = guest;
  return { ...guest, container, hidden: [...hidden, ...Object.keys(secretEnv).map(hiddenName)] };
};

/** A guest, or a change of one, in which `null` removes a variable. */
interface WithSecretEnv {
  container?: { secretEnv?: Readonly<Record<string, string | null>> | null } | undefined;
}

/** The values of a guest's secret environment, by the names that `hidden` has for them. */
export const secretEnvOf = ({ container }: WithSecretEnv): Map<string, string> =>
  new Map(
    Object.entries(container?.secretEnv ?? {}).flatMap(([name, value]) =>
      value === null ? [] : [[hiddenName(name), value] as const],
    ),
  );
