import type { Output } from './output.js';

/** Notes the keys that `sealed-keys` lists and that a guest does not have: a misspelt key leaves its secret readable. */
export const noteUnknownSealedKeys = async (
  out: Output,
  listed: string | null | undefined,
  present: Iterable<string>,
): Promise<void> => {
  if (!listed) return;
  const { SEALED_KEYS, sealedKeys } = await import('../model/secrets.js');
  const known = new Set(present);
  const unknown = [...sealedKeys({ [SEALED_KEYS]: listed })].filter((key) => !known.has(key));
  if (unknown.length > 0)
    out.note(`sealed-keys lists ${unknown.join(', ')}, which the metadata does not have: check the spelling`);
};
