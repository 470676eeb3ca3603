import test from 'ava';
import fc from 'fast-check';
import { OrderedIds } from '../../../lib/store/ordered-ids.js';

const withIds = (...ids: string[]): OrderedIds => {
  const ordered = new OrderedIds();
  for (const [index, id] of ids.entries()) ordered.add(id, index);
  return ordered;
};

test('yields ids in the order of insertion, and in reverse', (t) => {
  const ids = withIds('c', 'a', 'b');
  t.deepEqual([...ids.after()], ['c', 'a', 'b']);
  t.deepEqual([...ids.before()], ['b', 'a', 'c']);
});

test('continues after a position whose id was deleted', (t) => {
  const ids = withIds('c', 'a', 'b', 'd');
  const position = ids.orderOf('a');
  ids.delete('a');
  t.deepEqual([...ids.after(position)], ['b', 'd']);
  t.deepEqual([...ids.before(position)], ['c']);
});

test('an id inserted again takes its last position', (t) => {
  const ids = withIds('a', 'b');
  ids.delete('a');
  ids.add('a', 2);
  t.deepEqual([...ids.after()], ['b', 'a']);
});

test('yields what a sorted list would, whatever is inserted and deleted', (t) => {
  const change = fc.record({ id: fc.nat(60).map(String), add: fc.boolean() });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 400 }), fc.nat(400), (changes, position) => {
      const ids = new OrderedIds();
      const model = new Map<string, number>();
      for (const [order, { id, add }] of changes.entries()) {
        if (add && !model.has(id)) {
          ids.add(id, order);
          model.set(id, order);
        } else {
          ids.delete(id);
          model.delete(id);
        }
      }
      const expected = [...model].sort(([, a], [, b]) => a - b);
      const idsOf = (some: [string, number][]): string[] => some.map(([id]) => id);
      t.deepEqual([...ids.after(position)], idsOf(expected.filter(([, order]) => order > position)));
      t.deepEqual(
        [...ids.before(position)],
        idsOf(expected.filter(([, order]) => order < position).reverse()),
      );
      t.is(ids.size, model.size);
    }),
  );
});
