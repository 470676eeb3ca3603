import { h } from './dom.js';

/** The heading of a column, with the classes of its cells. */
type Heading = readonly [title: string, classes?: string];

interface TableOptions {
  /** Names the table where no heading does. */
  label?: string;
  /** Whether a last column without a visible heading has buttons. */
  hasActions?: boolean;
}

/** Creates a table without sorting or scrolling. Its rows go into `body`. */
export const plainTable = (
  headings: readonly Heading[],
  body: HTMLElement,
  { label, hasActions = false }: TableOptions = {},
): HTMLElement =>
  h(
    'table',
    { class: 'plain', ...(label === undefined ? {} : { 'aria-label': label }) },
    h(
      'thead',
      {},
      h(
        'tr',
        {},
        ...headings.map(([title, classes]) =>
          h('th', { scope: 'col', ...(classes === undefined ? {} : { class: classes }) }, title),
        ),
        ...(hasActions ? [h('th', { scope: 'col' }, h('span', { class: 'hidden' }, 'Actions'))] : []),
      ),
    ),
    body,
  );
