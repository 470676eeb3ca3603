import { h } from './dom.js';
import { currentQuery, replaceQuery } from './router.js';
import type { VirtualTable } from './virtual-table.js';

/** A field of the items to filter by, one of its values at a time. */
export interface Choice<Item> {
  /** Its name in the address. */
  key: string;
  /** Its name for screen readers: "State". */
  label: string;
  /** The words for no choice: "Any state". */
  any: string;
  /** Returns the values of an item. */
  of: (item: Item) => readonly (string | undefined)[];
  /** Formats a value for people; values are shown as they are by default. */
  words?: (value: string) => string;
}

/** A check box that leaves only some of the items. */
export interface Toggle<Item> {
  /** Its name in the address. */
  key: string;
  label: string;
  includes: (item: Item) => boolean;
}

export interface ListFilterOptions<Item> {
  /** Its name for screen readers: "Filter guests". */
  label: string;
  placeholder: string;
  /** Returns the text that the search looks through. */
  textOf: (item: Item) => string;
  choices?: readonly Choice<Item>[];
  toggles?: readonly Toggle<Item>[];
  /** Called when the user changes the filter. */
  onChange: () => void;
  /** The table of the items, where the arrow keys and Escape lead to. */
  table?: Pick<VirtualTable<Item>, 'element' | 'key' | 'active'>;
}

interface ChoiceControl<Item> {
  choice: Choice<Item>;
  select: HTMLSelectElement;
  /** The values that the select shows, to rebuild it only when they change. */
  shown: string;
}

const { compare } = new Intl.Collator('en', { numeric: true });

const NEWLINE = '\n';

/** A search field, selects and check boxes above a list. The address of the page has their values. */
export class ListFilter<Item> {
  readonly element: HTMLElement;
  readonly #options: ListFilterOptions<Item>;
  readonly #search: HTMLInputElement;
  readonly #choices: ChoiceControl<Item>[];
  readonly #toggles: { toggle: Toggle<Item>; box: HTMLInputElement }[];

  constructor(options: ListFilterOptions<Item>) {
    this.#options = options;
    const { label, placeholder, choices = [], toggles = [] } = options;
    const query = currentQuery();
    const change = (): void => this.#change();
    this.#search = h('input', {
      ...{ type: 'search', placeholder, 'aria-label': label, 'aria-keyshortcuts': '/', oninput: change },
      onkeydown: (event) => this.#keyInSearch(event as KeyboardEvent),
    });
    this.#search.value = query.get('q') ?? '';
    this.#choices = choices.map((choice) => {
      const select = h('select', { 'aria-label': choice.label, onchange: change });
      const control = { choice, select, shown: '' };
      this.#showValues(control, [], query.get(choice.key) ?? '');
      return control;
    });
    this.#toggles = toggles.map((toggle) => {
      const box = h('input', { type: 'checkbox', onchange: change });
      box.checked = query.has(toggle.key);
      return { toggle, box };
    });
    this.element = h(
      'div',
      { class: 'filter', role: 'search' },
      this.#search,
      ...this.#choices.map(({ select }) => select),
      ...this.#toggles.map(({ toggle, box }) => h('label', { class: 'check' }, box, toggle.label)),
    );
  }

  /** Whether it may leave items out. */
  get isActive(): boolean {
    return (
      this.#search.value.trim() !== '' ||
      this.#choices.some(({ select }) => select.value !== '') ||
      this.#toggles.some(({ box }) => box.checked)
    );
  }

  /** @returns whether the key was handled */
  key({ key }: KeyboardEvent): boolean {
    if (key === '/') this.#search.focus();
    return key === '/';
  }

  /** Returns the items that match in a new array, and offers the values that items have. */
  apply(items: Iterable<Item>): Item[] {
    const all = [...items];
    for (const control of this.#choices) {
      const values = new Set(all.flatMap(control.choice.of).filter((value) => value !== undefined));
      values.delete('');
      this.#showValues(control, [...values].sort(compare), control.select.value);
    }
    const words = this.#search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const chosen = this.#choices.filter(({ select }) => select.value !== '');
    const checked = this.#toggles.filter(({ box }) => box.checked);
    if (words.length + chosen.length + checked.length === 0) return all;
    return all.filter(
      (item) =>
        chosen.every(({ choice, select }) => choice.of(item).includes(select.value)) &&
        checked.every(({ toggle }) => toggle.includes(item)) &&
        this.#hasAll(item, words),
    );
  }

  #hasAll(item: Item, words: readonly string[]): boolean {
    if (words.length === 0) return true;
    const text = this.#options.textOf(item).toLowerCase();
    return words.every((word) => text.includes(word));
  }

  /** Fills a select. The chosen value stays, even while no item has it. */
  #showValues(control: ChoiceControl<Item>, values: readonly string[], chosen: string): void {
    const { choice, select } = control;
    const { any, words = (value) => value } = choice;
    const offered = chosen === '' || values.includes(chosen) ? values : [chosen, ...values];
    const shown = offered.join(NEWLINE);
    // A select with nothing to choose only takes room.
    select.hidden = offered.length === 0;
    if (shown === control.shown && select.options.length > 0) return;
    control.shown = shown;
    select.replaceChildren(
      h('option', { value: '' }, any),
      ...offered.map((value) => h('option', { value }, words(value))),
    );
    select.value = chosen;
  }

  #change(): void {
    const query = new URLSearchParams();
    const text = this.#search.value.trim();
    if (text !== '') query.set('q', text);
    for (const { choice, select } of this.#choices) if (select.value) query.set(choice.key, select.value);
    for (const { toggle, box } of this.#toggles) if (box.checked) query.set(toggle.key, '1');
    replaceQuery(query);
    this.#options.onChange();
  }

  #keyInSearch(event: KeyboardEvent): void {
    const { table } = this.#options;
    if (event.key === 'Escape') {
      this.#search.value = '';
      this.#change();
      if (table) table.element.focus();
      else this.#search.blur();
    } else if (table && (event.key === 'ArrowDown' || (event.key === 'Enter' && table.active))) {
      event.preventDefault();
      table.element.focus();
      table.key(event);
    }
  }
}
