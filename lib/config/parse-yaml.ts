import { type Document, isPair, isScalar, isSeq, parseDocument, visit } from 'yaml';
import { ConfigSyntaxError, type Parsed } from './parsed.js';

const parse = (text: string): Document.Parsed =>
  parseDocument(text, { uniqueKeys: false, prettyErrors: false });

/** Formats the nodes that lead to a key, such as `actions.create.stages[0]`. */
const formatPath = (path: readonly unknown[]): string => {
  const steps = path.map((node, index) => {
    if (isPair(node)) return `.${isScalar(node.key) ? node.key.value : ''}`;
    return isSeq(node) ? `[${node.items.indexOf(path[index + 1])}]` : '';
  });
  return steps.join('').replace(/^\./, '');
};

const duplicatesIn = (document: Document): string[] => {
  const duplicates = new Set<string>();
  visit(document, {
    Map: (_index, map, path) => {
      const seen = new Set<unknown>();
      for (const pair of map.items) {
        const key = isScalar(pair.key) ? pair.key.value : undefined;
        if (seen.has(key)) duplicates.add(formatPath([...path, map, pair]));
        seen.add(key);
      }
    },
  });
  return [...duplicates];
};

/** Lists the keys that one object of a JSON or YAML text has more than once. `JSON.parse` silently keeps the last. */
export const duplicateKeys = (text: string): string[] => duplicatesIn(parse(text));

/**
 * Parses YAML.
 * @throws {ConfigSyntaxError} at the first mistake
 */
export const parseYaml = (text: string): Parsed => {
  const document = parse(text);
  const [error] = document.errors;
  if (error) throw new ConfigSyntaxError(error.message, text, error.pos[0]);
  return { content: document.toJS(), duplicates: duplicatesIn(document) };
};
