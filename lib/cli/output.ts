import { type Colours, colourState, coloursFor } from './colours.js';
import { type Column, columnOf } from './columns.js';
import { usageFailure } from './failure.js';
import { escapeControls, formatJson, formatValue } from './printable.js';

const pickFields = <Item extends object>(
  item: Item,
  fields: readonly string[] | undefined,
): Partial<Item> => {
  if (!fields) return item;
  const unknown = fields.filter((field) => !(field in item));
  if (unknown.length === fields.length)
    throw usageFailure(
      `unknown field: ${unknown.join(', ')}`,
      `Choose from ${Object.keys(item).join(', ')}.`,
    );
  return Object.fromEntries(Object.entries(item).filter(([key]) => fields.includes(key))) as Partial<Item>;
};

/** Returns what chosen fields of an item show: the value of a key, or the text of a column. */
const valuesOf =
  <Item extends object>(chosen: readonly { field: string; column: Column<Item> | undefined }[]) =>
  (item: Item): object =>
    Object.fromEntries(
      chosen.map(({ field, column }) => [field, column ? column.value(item) : item[field as keyof Item]]),
    );

/** Prints results on standard output, as text or JSON, and notes on standard error. */
export class Output {
  readonly json: boolean;
  readonly colours: Colours;

  constructor(json: boolean) {
    this.json = json;
    this.colours = coloursFor(process.stdout);
  }

  /** Prints text that is safe for a terminal: JSON, or escaped text with our own colours and line ends. */
  print(text: string): void {
    process.stdout.write(`${text}\n`);
  }

  /** Prints a line for people, escaped. */
  line(text: string): void {
    this.print(escapeControls(text));
  }

  /** Prints a note for people, escaped; nothing with --json. */
  note(text: string): void {
    if (!this.json) process.stderr.write(`${escapeControls(text)}\n`);
  }

  value(value: unknown): void {
    this.print(formatJson(value, 2));
  }

  /**
   * Prints items as a table or JSON.
   * @param options `fields` are the keys and columns to show in place of all; `empty` is the note when there are no items
   */
  async list<Item extends object>(
    items: readonly Item[],
    columns: readonly Column<Item>[],
    { fields, empty }: { fields?: readonly string[] | undefined; empty: string },
  ): Promise<void> {
    const chosen = fields?.map((field) => ({ field, column: columnOf(field, columns) }));
    if (this.json)
      return this.value(chosen?.some(({ column }) => column) ? items.map(valuesOf(chosen)) : items);
    if (items.length === 0) return this.note(empty);
    if (!chosen) return this.table(items, columns);
    await this.#table(
      chosen.map(({ field, column }) => column?.title ?? field.toUpperCase()),
      items.map((item) =>
        chosen.map(({ field, column }) =>
          column ? this.#cell(item, column) : formatValue(item[field as keyof Item], field),
        ),
      ),
    );
  }

  async table<Item>(items: readonly Item[], columns: readonly Column<Item>[]): Promise<void> {
    const right = columns.flatMap(({ right }, index) => (right ? [index] : []));
    await this.#table(
      columns.map(({ title }) => title),
      items.map((item) => columns.map((column) => this.#cell(item, column))),
      right,
    );
  }

  /** Prints one object, a line per key. */
  async one(item: object, fields?: readonly string[]): Promise<void> {
    const chosen = pickFields(item, fields);
    if (this.json) return this.value(chosen);
    const { formatPairs } = await import('./table.js');
    this.print(formatPairs(chosen, this.colours));
  }

  #cell<Item>(item: Item, { value, state }: Column<Item>): string {
    const text = escapeControls(value(item) ?? '');
    return state ? colourState(this.colours, text) : text;
  }

  async #table(titles: string[], rows: string[][], right: number[] = []): Promise<void> {
    const { formatTable } = await import('./table.js');
    this.print(formatTable(titles, rows, { colours: this.colours, right }));
  }
}
