/** Names the metadata keys that a response leaves out. */
export const HIDDEN_KEYS_HEADER = 'X-Hidden-Keys';

/** Percent-encodes each key, because it may contain any character, even half a surrogate pair. */
export const formatHiddenKeys = (keys: readonly string[]): string =>
  keys.map((key) => encodeURIComponent(Buffer.from(key).toString())).join(', ');

export const parseHiddenKeys = (value: string): string[] =>
  value === '' ? [] : value.split(', ').map(decodeURIComponent);
