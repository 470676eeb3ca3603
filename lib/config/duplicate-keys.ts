import { isPair, isScalar, isSeq, parseDocument, visit } from 'yaml';

/** Where in the document something is, as `actions.create.stages[0]`. */
const placeOf = (path: readonly unknown[]): string => {
  const steps = path.map((node, index) => {
    if (isPair(node)) return `.${isScalar(node.key) ? node.key.value : ''}`;
    return isSeq(node) ? `[${node.items.indexOf(path[index + 1])}]` : '';
  });
  return steps.join('').replace(/^\./, '');
};

/**
 * The keys that an object of a JSON or YAML text has more than once, each by its place. `JSON.parse` is silent about
 * them: the last one wins. JSON is YAML, and the YAML parser keeps every pair, with the way to it.
 */
export const duplicateKeys = (text: string): string[] => {
  const found = new Set<string>();
  visit(parseDocument(text, { uniqueKeys: false }), {
    Map: (_index, map, path) => {
      const seen = new Set<unknown>();
      for (const pair of map.items) {
        const key = isScalar(pair.key) ? pair.key.value : undefined;
        if (seen.has(key)) found.add(placeOf([...path, map, pair]));
        seen.add(key);
      }
    },
  });
  return [...found];
};
