import { showDialog } from './dialogs.js';
import { h } from './dom.js';

const KEYS: readonly (readonly [string, string])[] = [
  ['1 2 … 9', 'Guests, images, jobs, schedules, backups, volumes, host, activity, dashboard'],
  ['/', 'Filter the list'],
  ['x', 'Select a guest'],
  ['j k ↓ ↑', 'Move down and up; also Page Up, Page Down, Home, End'],
  ['Enter', 'Open'],
  [
    'n',
    'New guest; on the Images page, fetch an image; on the Schedules and Volumes pages, a new schedule or volume',
  ],
  ['[ ]', 'Previous and next tab of a guest'],
  ['Esc', 'Go back; close a dialog'],
  ['Shift+F6', 'Release the keyboard from a console'],
  ['?', 'Show this list'],
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
  showDialog('Keyboard shortcuts', h('table', { class: 'plain keys' }, h('tbody', {}, ...rows)));
};
