// The rules of the tower. The tables of CONTRIBUTING.md are the rules; this file only reads them.
import { readFileSync } from 'node:fs';
import { posix } from 'node:path';

const contributing = readFileSync(new URL('CONTRIBUTING.md', import.meta.url), 'utf8');
const section = contributing.split(/^## /m).find((text) => text.startsWith('The tower\n')) ?? '';

/** The tables of the section. Each is a list of rows from top to bottom, each row a list of paths. */
const tables = section
  .split('\n\n')
  .map((block) => block.split('\n').filter((line) => line.startsWith('| `')))
  .filter((rows) => rows.length > 0)
  .map((rows) =>
    rows.map((row) =>
      [...row.split('|')[1].matchAll(/`([^`]+)`/g)].map(([, path]) => path.replace(/\/$/, '')),
    ),
  );
if (tables.length === 0) throw new Error('CONTRIBUTING.md has no table in its section "The tower"');

const under = (paths) => `^(${paths.map((path) => path.replaceAll('.', '\\.')).join('|')})(/|$)`;

const downwards = (rows) =>
  rows.flatMap((row, index) =>
    row.map((path) => ({
      name: `${path} imports only what is below it`,
      severity: 'error',
      from: { path: under([path]) },
      to: { path: under([...rows.slice(0, index).flat(), ...row.filter((other) => other !== path)]) },
    })),
  );

/** @param path a regular expression for the files that need a row in the table */
const complete = (rows, path) =>
  [
    { from: { path, pathNot: under(rows.flat()) }, to: {} },
    { from: {}, to: { path, pathNot: under(rows.flat()) } },
  ].map((rule) => ({ name: 'every folder has a row in CONTRIBUTING.md', severity: 'error', ...rule }));

const [tower, ...inner] = tables;

export default {
  forbidden: [
    ...downwards(tower),
    ...complete(tower, '^lib/'),
    ...inner.flatMap((rows) => [
      ...downwards(rows),
      ...complete(rows, `^${posix.dirname(rows[0][0])}/[^/]+/`),
    ]),
    { name: 'no circles', severity: 'error', from: {}, to: { circular: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    // TypeScript 7 has no JavaScript API; swc parses the files instead.
    parser: 'swc',
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.mjs', '.d.ts'] },
  },
};
