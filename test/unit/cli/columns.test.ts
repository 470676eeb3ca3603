import test from 'ava';
import { type Column, columnOf, keysFor } from '../../../lib/cli/columns.js';

interface Box {
  id: string;
  state: string;
  metadata: Record<string, string>;
}

const COLUMNS: readonly Column<Box>[] = [
  { title: 'ID', value: ({ id }) => id },
  { title: 'FULL NAME', value: ({ metadata }) => metadata.name, from: ['metadata'] },
];

test('finds a column by its title in lower case, unless a key of the API has that name', (t) => {
  t.is(columnOf('full-name', COLUMNS)?.title, 'FULL NAME');
  t.is(columnOf('id', COLUMNS), undefined);
  t.is(columnOf('FULL NAME', COLUMNS), undefined);
});

test('asks for the keys that chosen columns are made of, and leaves unknown ones to the agent', (t) => {
  t.deepEqual(keysFor(['full-name', 'state', 'metadata', 'colour'], COLUMNS) as string[], [
    ...['metadata', 'state', 'colour'],
  ]);
  t.is(keysFor(undefined, COLUMNS), undefined);
});
