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
}

/** Rows that the user can add to and remove from. */
export interface Rows<Entry extends Row> {
  element: HTMLElement;
  rows: () => readonly Entry[];
}

export const rowsOf = <Entry extends Row, Value = never>({
  name,
  createRow,
  values = [],
}: RowsOptions<Entry, Value>): Rows<Entry> => {
  const rows: Entry[] = [];
  const list = h('div');
  // The form checks itself and redraws what depends on it, as after any input.
  const notify = (): boolean => list.dispatchEvent(new Event('input', { bubbles: true }));
  const add = (value?: Value): Entry => {
    const row = createRow(value);
    rows.push(row);
    const remove = (): void => {
      rows.splice(rows.indexOf(row), 1);
      line.remove();
      notify();
    };
    const line = h(
      'div',
      { class: 'row' },
      ...row.inputs,
      h('button', { type: 'button', class: 'quiet', 'aria-label': `Remove ${name}`, onclick: remove }, '×'),
    );
    list.append(line);
    return row;
  };
  for (const value of values) add(value);
  const addEmpty = (): void => {
    add().inputs[0]?.focus();
    notify();
  };
  const button = h('button', { type: 'button', class: 'small', onclick: addEmpty }, `Add ${name}`);
  return { element: h('div', { class: 'rows' }, list, button), rows: () => rows };
};
