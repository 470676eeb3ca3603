import { h } from './dom.js';

/** A row of inputs, with what they say. */
interface Row {
  inputs: HTMLElement[];
}

interface RowsOptions<Entry extends Row, Value> {
  /** What a row is, on the buttons. */
  name: string;
  /** @param value what the row begins with; absent for a row that the user adds */
  createRow: (value?: Value) => Entry;
  /** What the first rows begin with; none by default. */
  values?: readonly Value[];
  /** The words before a row; none by default. */
  captionOf?: (index: number) => string;
}

/** Rows that the user can add to and remove from. */
export interface Rows<Entry extends Row> {
  element: HTMLElement;
  rows: () => Entry[];
  /** Adds an empty row and returns it. */
  add: () => Entry;
  /** Rewrites the captions. */
  caption: () => void;
}

export const rowsOf = <Entry extends Row, Value = never>({
  name,
  createRow,
  values = [],
  captionOf,
}: RowsOptions<Entry, Value>): Rows<Entry> => {
  const rows: { entry: Entry; words: HTMLElement }[] = [];
  const list = h('div');
  const caption = (): void => {
    for (const [index, { words }] of rows.entries()) words.textContent = captionOf?.(index) ?? '';
  };
  const add = (value?: Value): Entry => {
    const entry = createRow(value);
    const row = { entry, words: h('small', { class: 'caption', hidden: !captionOf }) };
    rows.push(row);
    const remove = (): void => {
      rows.splice(rows.indexOf(row), 1);
      line.remove();
      caption();
      // The form checks itself and redraws what depends on it, as after any input.
      list.dispatchEvent(new Event('input', { bubbles: true }));
    };
    const line = h(
      'div',
      { class: 'row' },
      row.words,
      ...entry.inputs,
      h('button', { type: 'button', class: 'quiet', 'aria-label': `Remove ${name}`, onclick: remove }, '×'),
    );
    list.append(line);
    caption();
    return entry;
  };
  for (const value of values) add(value);
  const addEmpty = (): void => {
    add().inputs[0]?.focus();
    list.dispatchEvent(new Event('input', { bubbles: true }));
  };
  const button = h('button', { type: 'button', class: 'small', onclick: addEmpty }, `Add ${name}`);
  const element = h('div', { class: 'rows' }, list, button);
  return { element, rows: () => rows.map(({ entry }) => entry), add: () => add(), caption };
};
