/** Joins words as in a sentence: `a, b and c`. */
export const enumerate = (words: readonly string[]): string =>
  [words.slice(0, -1).join(', '), ...words.slice(-1)].filter(Boolean).join(' and ');
