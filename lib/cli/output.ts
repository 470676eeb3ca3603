import { formatJson, formatValue, visible } from '../portable/format.js';
import { type Colours, colourState, coloursFor } from './colours.js';
import { usageFailure } from './failure.js';

export interface Column<Item> {
  title: string;
  value: (item: Item) => string | undefined;
  right?: true;
  /** Whether it is a state or status, which has a colour. */
  state?: true;
}

/** Keys between commas. */
export const parseFields = (text: string): string[] => text.split(',').map((field) => field.trim());

const picked = <Item extends object>(item: Item, fields: readonly string[] | undefined): Partial<Item> => {
  if (!fields) return item;
  const unknown = fields.filter((field) => !(field in item));
  if (unknown.length === fields.length)
    throw usageFailure(`there is no ${unknown.join(', ')}`, `Choose from ${Object.keys(item).join(', ')}.`);
  return Object.fromEntries(Object.entries(item).filter(([key]) => fields.includes(key))) as Partial<Item>;
};

/** What a command answers: on standard output, for people or, in JSON, for programs; notes on standard error. */
export class Output {
  readonly json: boolean;
  readonly colours: Colours;

  constructor(json: boolean) {
    this.json = json;
    this.colours = coloursFor(process.stdout);
  }

  /** Prints what is JSON, or has been made visible and has our own colours and line ends. */
  print(text: string): void {
    process.stdout.write(`${text}\n`);
  }

  /** One line for people, whatever is in it. */
  line(text: string): void {
    this.print(visible(text));
  }

  /** One line for people; programs that read JSON are spared it. */
  note(text: string): void {
    if (!this.json) process.stderr.write(`${visible(text)}\n`);
  }

  value(value: unknown): void {
    this.print(formatJson(value, 2));
  }

  /** @param fields when given, those keys in place of the columns */
  async list<Item extends object>(
    items: readonly Item[],
    columns: readonly Column<Item>[],
    { fields, none }: { fields?: readonly string[] | undefined; none: string },
  ): Promise<void> {
    if (this.json) this.value(items);
    else if (items.length === 0) this.note(none);
    else if (fields)
      await this.#table(
        fields.map((field) => field.toUpperCase()),
        items.map((item) => fields.map((field) => formatValue(item[field as keyof Item], field))),
      );
    else await this.table(items, columns);
  }

  async table<Item>(items: readonly Item[], columns: readonly Column<Item>[]): Promise<void> {
    const cell = (item: Item, { value, state }: Column<Item>): string => {
      const text = visible(value(item) ?? '');
      return state ? colourState(this.colours, text) : text;
    };
    const right = columns.flatMap(({ right }, index) => (right ? [index] : []));
    await this.#table(
      columns.map(({ title }) => title),
      items.map((item) => columns.map((column) => cell(item, column))),
      right,
    );
  }

  /** One thing, a line for each of its keys. */
  async one(item: object, fields?: readonly string[]): Promise<void> {
    const chosen = picked(item, fields);
    if (this.json) return this.value(chosen);
    const { formatPairs } = await import('./table.js');
    this.print(formatPairs(chosen, this.colours));
  }

  async #table(titles: string[], rows: string[][], right: number[] = []): Promise<void> {
    const { formatTable } = await import('./table.js');
    this.print(formatTable(titles, rows, { colours: this.colours, right }));
  }
}
