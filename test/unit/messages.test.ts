import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { packageRoot } from '../../lib/files/package-root.js';

/** A verb of HTTP with a path, in a text: `POST /guests`, `POST and DELETE of /guests`. */
const VERB_WITH_PATH = /\b(GET|POST|PUT|PATCH|DELETE)( and (GET|POST|PUT|PATCH|DELETE))?( of)? \/\w/;
/** Comments, and descriptions in the document of the API, which speak of its requests. */
const NO_MESSAGE = /^\s*(\/\/|\/\*|\*)|\.description\(/;

const sourcesBelow = async (directory: string): Promise<string[]> =>
  (await readdir(join(packageRoot, directory), { recursive: true }))
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(directory, name));

test('no message names an HTTP method with a path: people read it on the command line and in the console too', async (t) => {
  const files = [...(await sourcesBelow('lib')), ...(await sourcesBelow('handlers'))];
  t.true(files.length > 500);
  const found: string[] = [];
  for (const file of files)
    for (const [index, line] of (await readFile(join(packageRoot, file), 'utf8')).split('\n').entries())
      if (!NO_MESSAGE.test(line) && VERB_WITH_PATH.test(line))
        found.push(`${file}:${index + 1}: ${line.trim()}`);
  t.deepEqual(found, []);
});
