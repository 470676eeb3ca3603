import test from 'ava';
import { nextLink } from '../../../lib/portable/next-link.js';

test('returns the target of the next page', (t) => {
  t.is(nextLink('</guests?limit=2&cursor=abc>; rel="next"'), '/guests?limit=2&cursor=abc');
});

test('returns nothing without a next page', (t) => {
  for (const link of [undefined, null, '', '</guests>; rel="prev"']) t.is(nextLink(link), undefined);
});
