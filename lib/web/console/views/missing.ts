import { h } from '../dom.js';
import type { View } from '../router.js';

/** Shown at an unknown address. */
export const missingView = (text: string): View => ({
  title: 'Page not found',
  element: h(
    'section',
    { class: 'page' },
    h('h1', {}, 'Page not found'),
    h('p', { class: 'empty' }, `${text} `, h('a', { href: '#/guests' }, 'All guests')),
  ),
});
