import { h } from '../dom.js';
import type { View } from '../router.js';

/** What is shown at an address where there is nothing. */
export const missingView = (text: string): View => ({
  title: 'No such page',
  element: h(
    'section',
    { class: 'page' },
    h('h1', {}, 'There is no such page'),
    h('p', { class: 'empty' }, `${text} `, h('a', { href: '#/guests' }, 'All guests')),
  ),
});
