/** Names the metadata keys that a response leaves out. */
export const HIDDEN_KEYS_HEADER = 'X-Hidden-Keys';

/** Formats texts for a header. Percent-encodes each, because it may contain any character, even half a surrogate pair. */
export const formatTexts = (texts: readonly string[]): string =>
  texts.map((text) => encodeURIComponent(Buffer.from(text).toString())).join(', ');

export const parseTexts = (value: string): string[] =>
  value === '' ? [] : value.split(', ').map(decodeURIComponent);
