// Enforces the tower of CONTRIBUTING.md: the rows of its table, read from there, are the rules.
import { readFileSync } from 'node:fs';

const contributing = readFileSync(new URL('CONTRIBUTING.md', import.meta.url), 'utf8');
const table = contributing.slice(contributing.indexOf('## The tower')).split('\n## ')[0];

/** The rows from top to bottom, each a list of folders or files. */
const rows = table
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => [...line.split('|')[1].matchAll(/`([^`]+)`/g)].map(([, path]) => path.replace(/\/$/, '')));

const under = (paths) => `^(${paths.map((path) => path.replaceAll('.', '\\.')).join('|')})(/|$)`;

const downwards = rows.flatMap((row, index) =>
  row.map((folder) => ({
    name: `${folder} imports only what is below it`,
    severity: 'error',
    from: { path: under([folder]) },
    to: { path: under([...rows.slice(0, index).flat(), ...row.filter((other) => other !== folder)]) },
  })),
);

export default {
  forbidden: [
    ...downwards,
    {
      name: 'sub-agents do not import each other',
      comment: 'Move what two of them need to lib/subagents/shared.',
      severity: 'error',
      from: { path: '^lib/subagents/([^/]+)/' },
      to: { path: '^lib/subagents/', pathNot: '^lib/subagents/($1|shared)/' },
    },
    {
      name: 'shared imports no sub-agent',
      severity: 'error',
      from: { path: '^lib/subagents/shared/' },
      to: { path: '^lib/subagents/(?!shared/)' },
    },
    { name: 'no circles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'every folder has a row in the table of CONTRIBUTING.md',
      severity: 'error',
      from: { path: '^(lib|handlers|routes|scripts)/' },
      to: { path: '^lib/', pathNot: under(rows.flat()) },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    // TypeScript 7 has no JavaScript API; swc parses the files instead.
    parser: 'swc',
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.mjs', '.d.ts'] },
  },
};
