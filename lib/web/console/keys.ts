import { showDialog } from './dialogs.js';
import { h } from './dom.js';

const KEYS: readonly (readonly [string, string])[] = [
  ['1 2 3 4', 'Guests, images, jobs, agent'],
  ['/', 'Filter the guests'],
  ['j k ↓ ↑', 'Down and up a list; Page Up, Page Down, Home, End'],
  ['Enter', 'Open'],
  ['n', 'New guest; on the images, fetch one'],
  ['[ ]', 'The tabs of a guest'],
  ['Esc', 'Back; close a dialog'],
  ['Shift+F6', 'Leave a console, which has all other keys'],
  ['?', 'This'],
];

export const showKeys = (): void => {
  if (document.querySelector('dialog')) return;
  const rows = KEYS.map(([keys, text]) =>
    h(
      'tr',
      {},
      h('th', { scope: 'row' }, ...keys.split(' ').flatMap((key) => [h('kbd', {}, key), ' '])),
      h('td', {}, text),
    ),
  );
  showDialog('Keys', h('table', { class: 'plain keys' }, h('tbody', {}, ...rows)));
};
