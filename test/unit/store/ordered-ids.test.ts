import test from 'ava';
import fc from 'fast-check';
import { OrderedIds } from '../../../lib/store/ordered-ids.js';

const withIds = (...ids: string[]): OrderedIds => {
  const ordered = new OrderedIds();
  for (const [index, id] of ids.entries()) ordered.add(id, index);
  return ordered;
};

test('ids are read in the order they came in, and in the reverse of it', (t) => {
  const ids = withIds('c', 'a', 'b');
  t.deepEqual([...ids.after()], ['c', 'a', 'b']);
  t.deepEqual([...ids.before()], ['b', 'a', 'c']);
});

test('reading goes on from a place, also when what was there is gone', (t) => {
  const ids = withIds('c', 'a', 'b', 'd');
  const place = ids.orderOf('a');
  ids.delete('a');
  t.deepEqual([...ids.after(place)], ['b', 'd']);
  t.deepEqual([...ids.before(place)], ['c']);
});

test('an id that comes again is where it came last', (t) => {
  const ids = withIds('a', 'b');
  ids.delete('a');
  ids.add('a', 2);
  t.deepEqual([...ids.after()], ['b', 'a']);
});

test('whatever comes and goes, what is read is what a plain list would have', (t) => {
  const change = fc.record({ id: fc.nat(60).map(String), add: fc.boolean() });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 400 }), fc.nat(400), (changes, place) => {
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
      t.deepEqual([...ids.after(place)], idsOf(expected.filter(([, order]) => order > place)));
      t.deepEqual([...ids.before(place)], idsOf(expected.filter(([, order]) => order < place).reverse()));
      t.is(ids.size, model.size);
    }),
  );
});
