/** A column of a list for people. */
export interface Column<Item> {
  title: string;
  value: (item: Item) => string | undefined;
  /** Aligns the column to the right. */
  right?: true;
  /** Colours the column as a state or status. */
  state?: true;
  /**
   * The keys of the API that the value is made of, where no key has the name of the column: `--fields` then chooses the
   * column by its title in lower case.
   */
  from?: readonly (keyof Item & string)[];
}

/** Parses keys and columns separated by commas. */
export const parseFields = (text: string): string[] => text.split(',').map((field) => field.trim());

/** Finds the column that a field names, unless it is a key of the API. */
export const columnOf = <Item>(field: string, columns: readonly Column<Item>[]): Column<Item> | undefined =>
  columns.find(({ title, from }) => from && title.toLowerCase().replaceAll(' ', '-') === field);

/** Returns the keys to ask the agent for, when these fields are to be shown. An unknown key is left to the agent. */
export const keysFor = <Item>(
  fields: readonly string[] | undefined,
  columns: readonly Column<Item>[],
): (keyof Item & string)[] | undefined =>
  fields && [
    ...new Set(fields.flatMap((field) => columnOf(field, columns)?.from ?? [field as keyof Item & string])),
  ];
