/** Marks the schema of an object that has only the keys which the client selected. The OpenAPI document requires none of them. */
export const SELECTED = { selected: true } as const;

export const isSelected = ({ selected }: { selected?: boolean }): boolean => selected === true;
