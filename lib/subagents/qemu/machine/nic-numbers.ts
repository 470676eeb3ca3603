import type { Nic } from '../../../model/guest.js';
import { freePosition } from './free-position.js';
import type { NicEntries } from './nic-entry.js';

export const nicDeviceId = (number: number): string => `nic${number}`;

export const netdevId = (number: number): string => `hostnet${number}`;

/** Numbers NICs: each that has an entry keeps its own, and the others get free ones in their order. */
export const numberNics = (nics: readonly Pick<Nic, 'name'>[], entries: NicEntries = {}): number[] => {
  const known = nics.map(({ name }) => (name === undefined ? undefined : entries[name]?.number));
  const taken = known.filter((number) => number !== undefined);
  return known.map((number) => {
    if (number !== undefined) return number;
    const next = freePosition(taken);
    taken.push(next);
    return next;
  });
};

/** Makes the entries of NICs that all have names. */
export const nicEntries = (nics: readonly Nic[], entries?: NicEntries): NicEntries => {
  const numbers = numberNics(nics, entries);
  return Object.fromEntries(
    nics.map(({ name = '' }, index) => [name, { ...entries?.[name], number: numbers[index] ?? index }]),
  );
};
