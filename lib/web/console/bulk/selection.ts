import { h, setAttribute } from '../dom.js';
import type { TableColumn } from '../virtual-table.js';

/** The items of a list that the user has selected. The list shows all of them. */
export class Selection {
  readonly #ids = new Set<string>();
  readonly #onChange: () => void;
  #shown: readonly string[] = [];
  #onShow = (): void => {};

  /** @param onChange called after the user has changed the selection, to draw the list and call `show` */
  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  get size(): number {
    return this.#ids.size;
  }

  get ids(): readonly string[] {
    return [...this.#ids];
  }

  has(id: string): boolean {
    return this.#ids.has(id);
  }

  /** Takes note of the items that the list shows. Others are no longer selected. */
  show(ids: readonly string[]): void {
    this.#shown = ids;
    if (this.#ids.size > 0) {
      const shown = new Set(ids);
      for (const id of this.#ids) if (!shown.has(id)) this.#ids.delete(id);
    }
    this.#onShow();
  }

  toggle(id: string): void {
    if (!this.#ids.delete(id)) this.#ids.add(id);
    this.#onChange();
  }

  clear(): void {
    this.#ids.clear();
    this.#onChange();
  }

  /** Creates a check box for all items that are shown. */
  allBox(label: string): HTMLInputElement {
    const box = h('input', {
      ...{ type: 'checkbox', 'aria-label': label, title: label },
      onchange: () => {
        this.#ids.clear();
        if (box.checked) for (const id of this.#shown) this.#ids.add(id);
        this.#onChange();
      },
    });
    this.#onShow = () => {
      const isWhole = this.size > 0 && this.size === this.#shown.length;
      box.checked = isWhole;
      box.indeterminate = this.size > 0 && !isWhole;
    };
    return box;
  }
}

interface SelectionColumnOptions<Item> {
  selection: Selection;
  idOf: (item: Item) => string;
  nameOf: (item: Item) => string;
  /** The name of the items: "guests". */
  what: string;
}

/** Creates the column of check boxes that select items. */
export const selectionColumn = <Item>({
  selection,
  idOf,
  nameOf,
  what,
}: SelectionColumnOptions<Item>): TableColumn<Item> => ({
  title: 'Selected',
  class: 'c-select changes',
  heading: selection.allBox(`Select all ${what} of this list`),
  cell: () => {
    let id = '';
    const box = h('input', { type: 'checkbox', onchange: () => selection.toggle(id) });
    return {
      // Its whole cell is the label, to be hit with a finger.
      element: h('label', {}, box),
      update: (item) => {
        id = idOf(item);
        box.checked = selection.has(id);
        setAttribute(box, 'aria-label', `Select ${nameOf(item)}`);
      },
    };
  },
});
