import { h, setAttribute, setText } from './dom.js';

/** The height of a row in CSS pixels: `--row` in the style sheet. */
const ROW = 44;
/** Rows rendered above and below the visible ones. */
const MARGIN = 6;

export interface Cell<Item> {
  element: Node;
  update(item: Item): void;
}

export interface TableColumn<Item> {
  title: string;
  /** Shows the title to screen readers alone. */
  isTitleHidden?: true;
  /** Stands in the heading in place of the title. */
  heading?: HTMLElement;
  /** The class of its cells and heading; the style sheet hides some on narrow pages. */
  class: string;
  cell: () => Cell<Item>;
  /** Makes the heading sort by this column. */
  compare?: (one: Item, other: Item) => number;
}

/** A sort order; `column` is the title of one. */
export interface Order {
  column: string;
  direction: 1 | -1;
}

export interface VirtualTableOptions<Item> {
  label: string;
  columns: readonly TableColumn<Item>[];
  idOf: (item: Item) => string;
  /** Called on Enter and on a click. */
  open?: (item: Item) => void;
  /** The sort order, updated when the user clicks a heading; without one the items keep theirs. */
  order?: Order;
  empty: () => string | HTMLElement;
}

interface Row<Item> {
  element: HTMLTableRowElement;
  cells: Cell<Item>[];
  item: Item | undefined;
}

/** A table that renders only the visible rows, so that thousands stay fast. */
export class VirtualTable<Item> {
  readonly element: HTMLElement;
  readonly #options: VirtualTableOptions<Item>;
  readonly #table: HTMLTableElement;
  readonly #body = h('tbody');
  readonly #above = h('td');
  readonly #below = h('td');
  readonly #empty = h('div', { class: 'empty', hidden: true });
  readonly #headings: HTMLTableCellElement[];
  readonly #rows: Row<Item>[] = [];
  #items: Item[] = [];
  #activeId: string | undefined;
  #isDrawing = false;

  constructor(options: VirtualTableOptions<Item>) {
    this.#options = options;
    this.#headings = options.columns.map((each) => this.#heading(each));
    const spacer = (cell: HTMLTableCellElement): HTMLElement =>
      h('tbody', { class: 'spacer', 'aria-hidden': 'true' }, h('tr', {}, cell));
    this.#table = h(
      'table',
      { role: 'grid', 'aria-label': options.label },
      h('thead', {}, h('tr', {}, ...this.#headings)),
      spacer(this.#above),
      this.#body,
      spacer(this.#below),
    );
    this.element = h('div', { class: 'scroller', tabindex: 0 }, this.#table, this.#empty);
    this.element.addEventListener('scroll', () => this.#drawSoon(), { passive: true });
    new ResizeObserver(() => this.#drawSoon()).observe(this.element);
    this.#showSort();
  }

  set items(items: Item[]) {
    this.#items = this.#sorted(items);
    this.#draw();
  }

  get active(): Item | undefined {
    return this.#items[this.#activeIndex];
  }

  /** @returns whether the key was handled */
  key({ key }: KeyboardEvent): boolean {
    const screen = Math.max(1, Math.floor(this.element.clientHeight / ROW) - 2);
    const last = this.#items.length - 1;
    const index = this.#activeIndex;
    const targets: Record<string, number> = {
      ArrowDown: index + 1,
      j: index + 1,
      ArrowUp: index - 1,
      k: index - 1,
      PageDown: index + screen,
      PageUp: index - screen,
      Home: 0,
      End: last,
    };
    const target = targets[key];
    if (target !== undefined) {
      this.#activate(Math.max(0, Math.min(last, target)));
      return true;
    }
    const { active } = this;
    if (key !== 'Enter' || active === undefined || !this.#options.open) return false;
    this.#options.open(active);
    return true;
  }

  get #activeIndex(): number {
    const { idOf } = this.#options;
    return this.#activeId === undefined ? -1 : this.#items.findIndex((item) => idOf(item) === this.#activeId);
  }

  #activate(index: number): void {
    const item = this.#items[index];
    if (item === undefined) return;
    this.#activeId = this.#options.idOf(item);
    const { scrollTop, clientHeight } = this.element;
    const [top, bottom] = [index * ROW, (index + 2) * ROW];
    if (top < scrollTop) this.element.scrollTop = top;
    else if (bottom > scrollTop + clientHeight) this.element.scrollTop = bottom - clientHeight;
    this.#draw();
  }

  #sorted(items: Item[]): Item[] {
    const { columns, order } = this.#options;
    const compare = columns.find(({ title }) => title === order?.column)?.compare;
    if (!order || !compare) return items;
    return items.sort((one, other) => order.direction * compare(one, other));
  }

  #heading(column: TableColumn<Item>): HTMLTableCellElement {
    const { title, isTitleHidden, heading, class: className, compare } = column;
    const { order } = this.#options;
    const sort = (): void => {
      if (!order) return;
      order.direction = order.column === title && order.direction === 1 ? -1 : 1;
      order.column = title;
      this.#showSort();
      this.items = this.#items;
    };
    const content = order && compare ? h('button', { onclick: sort }, title) : title;
    if (heading) return h('th', { class: className, scope: 'col' }, heading);
    if (isTitleHidden)
      return h('th', { class: className, scope: 'col' }, h('span', { class: 'hidden' }, title));
    return h('th', { class: className, scope: 'col' }, content);
  }

  #showSort(): void {
    const { columns, order } = this.#options;
    for (const [index, { title }] of columns.entries()) {
      const heading = this.#headings[index];
      if (order?.column !== title) heading?.removeAttribute('aria-sort');
      else heading?.setAttribute('aria-sort', order.direction === 1 ? 'ascending' : 'descending');
    }
  }

  #drawSoon(): void {
    if (this.#isDrawing) return;
    this.#isDrawing = true;
    requestAnimationFrame(() => {
      this.#isDrawing = false;
      this.#draw();
    });
  }

  #draw(): void {
    const count = this.#items.length;
    const { scrollTop, clientHeight } = this.element;
    const first = Math.max(0, Math.min(Math.floor(scrollTop / ROW) - MARGIN, count));
    const end = Math.min(count, Math.ceil((scrollTop + clientHeight) / ROW) + MARGIN);
    this.#above.style.height = `${first * ROW}px`;
    this.#below.style.height = `${(count - end) * ROW}px`;
    setAttribute(this.#table, 'aria-rowcount', String(count + 1));
    for (let slot = 0; slot < end - first; slot += 1) this.#fill(slot, first + slot);
    for (const { element } of this.#rows.splice(end - first)) element.remove();
    this.#empty.hidden = count > 0;
    if (count === 0) this.#explain(this.#options.empty());
  }

  #explain(empty: string | HTMLElement): void {
    if (typeof empty === 'string') setText(this.#empty, empty);
    else if (empty.parentNode !== this.#empty) this.#empty.replaceChildren(empty);
  }

  #fill(slot: number, index: number): void {
    const item = this.#items[index] as Item;
    const row = this.#rows[slot] ?? this.#addRow();
    row.item = item;
    const id = this.#options.idOf(item);
    const isActive = id === this.#activeId;
    setAttribute(row.element, 'aria-rowindex', String(index + 2));
    setAttribute(row.element, 'aria-selected', String(isActive));
    setAttribute(row.element, 'id', `row-${id}`);
    if (isActive) setAttribute(this.element, 'aria-activedescendant', `row-${id}`);
    for (const cell of row.cells) cell.update(item);
  }

  #addRow(): Row<Item> {
    const { columns, open } = this.#options;
    const cells = columns.map(({ cell }) => cell());
    const element = h(
      'tr',
      {},
      ...columns.map((column, index) => h('td', { class: column.class }, cells[index]?.element)),
    );
    const row: Row<Item> = { element, cells, item: undefined };
    element.addEventListener('click', ({ target }) => {
      const isControl = target instanceof Element && target.closest('a, button, label') !== null;
      if (open && !isControl && row.item !== undefined && String(getSelection()) === '') open(row.item);
    });
    element.classList.toggle('opens', open !== undefined);
    this.#rows.push(row);
    this.#body.append(element);
    return row;
  }
}

/** Creates a text cell, with the text as its tooltip. */
export const textCell =
  <Item>(text: (item: Item) => string, className = ''): (() => Cell<Item>) =>
  () => {
    const element = h('span', { class: className });
    return {
      element,
      update: (item) => {
        const now = text(item);
        if (element.textContent !== now) {
          element.textContent = now;
          element.title = now;
        }
      },
    };
  };
