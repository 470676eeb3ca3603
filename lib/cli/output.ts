import { type Colours, colourState, coloursFor } from './colours.js';
import { usageFailure } from './failure.js';
import { escapeControls, formatJson, formatValue } from './printable.js';

export interface Column<Item> {
  title: string;
  value: (item: Item) => string | undefined;
  /** Aligns the column to the right. */
  right?: true;
  /** Colours the column as a state or status. */
  state?: true;
}

/** Parses keys separated by commas. */
export const parseFields = (text: string): string[] => text.split(',').map((field) => field.trim());

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
   * @param options `fields` replaces the columns; `empty` is the note when there are no items
   */
  async list<Item extends object>(
    items: readonly Item[],
    columns: readonly Column<Item>[],
    { fields, empty }: { fields?: readonly string[] | undefined; empty: string },
  ): Promise<void> {
    if (this.json) this.value(items);
    else if (items.length === 0) this.note(empty);
    else if (fields)
      await this.#table(
        fields.map((field) => field.toUpperCase()),
        items.map((item) => fields.map((field) => formatValue(item[field as keyof Item], field))),
      );
    else await this.table(items, columns);
  }

  async table<Item>(items: readonly Item[], columns: readonly Column<Item>[]): Promise<void> {
    const cell = (item: Item, { value, state }: Column<Item>): string => {
      const text = escapeControls(value(item) ?? '');
      return state ? colourState(this.colours, text) : text;
    };
    const right = columns.flatMap(({ right }, index) => (right ? [index] : []));
    await this.#table(
      columns.map(({ title }) => title),
      items.map((item) => columns.map((column) => cell(item, column))),
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

  async #table(titles: string[], rows: string[][], right: number[] = []): Promise<void> {
    const { formatTable } = await import('./table.js');
    this.print(formatTable(titles, rows, { colours: this.colours, right }));
  }
}
