import { path } from '../../../client/path.js';
import type { Guest, Metadata } from '../../../model/guest.js';
import { patch } from '../api.js';
import { attempt } from '../dialogs.js';
import { h, setText } from '../dom.js';
import { checkValue, valueField } from './metadata-value.js';
import type { Tab } from './tab.js';

export const metadataTab = (guestId: string): Tab => {
  const list = h('tbody');
  const hiddenKeys = h('p', { class: 'faint', hidden: true });
  const key = h('input', { 'aria-label': 'Key', placeholder: 'Key', required: true, maxlength: 255 });
  const value = h('textarea', { 'aria-label': 'Value', placeholder: 'Value', required: true, rows: 1 });
  const change = (changes: Record<string, string | null>): Promise<void> =>
    attempt(async () => {
      for (const [name, text] of Object.entries(changes)) if (text !== null) await checkValue(name, text);
      show(await patch<Metadata>(path`/guests/${guestId}/metadata`, changes));
    });

  const row = ([name, text]: [string, string]): HTMLElement => {
    const input = valueField(name, text, `Value of ${name}`);
    input.addEventListener('change', () => void change({ [name]: input.value }));
    return h(
      'tr',
      {},
      h('th', { scope: 'row' }, name),
      h('td', {}, input),
      h(
        'td',
        { class: 'row-actions' },
        h(
          'button',
          {
            class: 'small changes',
            'aria-label': `Remove ${name}`,
            onclick: () => void change({ [name]: null }),
          },
          'Remove',
        ),
      ),
    );
  };
  const show = (now: Metadata): void => {
    list.replaceChildren(...Object.entries(now).sort().map(row));
  };
  const add = async (): Promise<void> => {
    await change({ [key.value]: value.value });
    for (const input of [key, value]) input.value = '';
    key.focus();
  };

  let shown = '';
  return {
    element: h(
      'div',
      {},
      h('p', { class: 'faint' }, 'The key ', h('code', {}, 'name'), ' holds the name of the guest.'),
      h('table', { class: 'plain', 'aria-label': 'Metadata' }, list),
      hiddenKeys,
      h(
        'form',
        {
          class: 'row changes',
          onsubmit: (event) => {
            event.preventDefault();
            void add();
          },
        },
        key,
        value,
        h('button', { type: 'submit' }, 'Set'),
      ),
    ),
    update: ({ metadata: now = {}, hidden = [] }: Guest) => {
      const names = hidden.map((name) => name.replace(/^metadata\./, '')).join(', ');
      setText(hiddenKeys, names && `Secret: sealed, or readable with the right "content" only: ${names}`);
      hiddenKeys.hidden = names === '';
      const text = JSON.stringify(now);
      const isEdited = list.contains(document.activeElement);
      if (text === shown || isEdited) return;
      shown = text;
      show(now);
    },
  };
};
