import { h, setText } from '../dom.js';
import { address } from '../router.js';
import { store } from '../store.js';
import { count } from '../words.js';

/** A guest of an action on several. */
export interface BulkItem {
  id: string;
  /** The guest's name, which is still known when the guest is deleted. */
  name: string;
  /** The ID of its job, once it is queued. */
  job?: string;
  outcome?: 'done' | 'failed';
  message?: string;
}

interface BulkSummary {
  element: HTMLElement;
  update(): void;
  /** Says in a line what has come of it. */
  text(): string;
  failed(): number;
}

const failureOf = ({ id, name, message = '' }: BulkItem): HTMLElement =>
  h(
    'li',
    {},
    store.guests.has(id) ? h('a', { href: address('guests', id) }, name) : name,
    ': ',
    h('span', {}, message),
  );

/** Creates the summary of an action on several guests, with each failure and its reason. */
export const bulkSummary = (items: readonly BulkItem[], leftOut: readonly string[]): BulkSummary => {
  const many = (outcome?: BulkItem['outcome']): number =>
    items.filter((item) => item.outcome === outcome).length;
  const bar = h('progress', { class: 'whole', max: items.length, value: 0, 'aria-label': 'Progress' });
  const line = h('p', { role: 'status' });
  const failures = h('ul', { class: 'failures', 'aria-label': 'Failures', hidden: true });
  const others = h(
    'p',
    { class: 'faint', hidden: leftOut.length === 0 },
    `Left out because of their state: ${leftOut.join(', ')}.`,
  );
  let shown = 0;
  const text = (): string => {
    const [done, failed, running] = [many('done'), many('failed'), many()];
    const parts = [
      running > 0 && `${running} under way`,
      `${done} succeeded`,
      `${failed} failed`,
      leftOut.length > 0 && `${leftOut.length} left out`,
    ];
    return `${parts.filter(Boolean).join(', ')}.`;
  };
  const element = h('div', { class: 'bulk-summary' }, bar, line, failures, others);
  element.addEventListener('click', ({ target }) => {
    if (target instanceof HTMLAnchorElement) element.closest('dialog')?.close();
  });
  return {
    element,
    text,
    failed: () => many('failed'),
    update: () => {
      setText(line, text());
      bar.value = items.length - many();
      const failed = items.filter(({ outcome }) => outcome === 'failed');
      failures.hidden = failed.length === 0;
      failures.append(...failed.slice(shown).map(failureOf));
      shown = failed.length;
    },
  };
};

/** Names the first of several guests, and counts the others. */
export const namesOf = (names: readonly string[], most = 8): string => {
  const rest = names.length - most;
  return rest > 0 ? `${names.slice(0, most).join(', ')} and ${count(rest, 'other')}` : names.join(', ');
};
