import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { packageRoot } from '../../lib/files/package-root.js';

/** A row of the table in docs/guarantees.md. */
const PROMISE = /^\| G(\d+) \|/gm;
/** The comment by which a test file names the promises that it tries to break. */
const NAMED = /^\/\/ Guarantees: (?<numbers>G\d+(?:, G\d+)*)\.$/gm;

const promised = async (): Promise<number[]> => {
  const text = await readFile(join(packageRoot, 'docs/guarantees.md'), 'utf8');
  return [...text.matchAll(PROMISE)].map(([, number]) => Number(number));
};

/** Returns the numbers that a test file names; a file without a test names none. */
const namedIn = (text: string): number[] =>
  /\btest\w*(?:\.\w+)*\(/i.test(text)
    ? [...text.matchAll(NAMED)].flatMap(({ groups }) =>
        (groups?.numbers ?? '').split(', ').map((name) => Number(name.slice(1))),
      )
    : [];

/** Returns the files that name each number. */
const named = async (): Promise<Map<number, string[]>> => {
  const found = new Map<number, string[]>();
  const directory = join(packageRoot, 'test');
  for (const name of await readdir(directory, { recursive: true })) {
    if (!name.endsWith('.test.ts')) continue;
    for (const number of namedIn(await readFile(join(directory, name), 'utf8')))
      found.set(number, [...(found.get(number) ?? []), name]);
  }
  return found;
};

test('each promise has a number of its own, in ascending order', async (t) => {
  const numbers = await promised();
  t.true(numbers.length >= 40);
  t.deepEqual(
    numbers,
    [...new Set(numbers)].sort((a, b) => a - b),
  );
});

test('each promise has a test that names its number', async (t) => {
  const tests = await named();
  t.deepEqual(
    (await promised()).filter((number) => !tests.has(number)).map((number) => `G${number}`),
    [],
  );
});

test('no test names a promise that does not exist', async (t) => {
  const numbers = new Set(await promised());
  const unknown = [...(await named())].filter(([number]) => !numbers.has(number));
  t.deepEqual(unknown, []);
});

test('a comment in a file without a test names no promise', (t) => {
  t.deepEqual(namedIn('// Guarantees: G1, G2.\n'), []);
  t.deepEqual(namedIn("// Guarantees: G1, G2.\ntest('x', (t) => t.pass());\n"), [1, 2]);
});
