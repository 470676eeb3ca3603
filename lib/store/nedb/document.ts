/** A document as the files store it. */
export interface StoredDocument {
  _id: string;
  /** Its place among the others, ascending in order of insertion: NeDB keeps no order. */
  order: number;
  /**
   * The value as JSON text. NeDB would copy and check every field of an object again and again, and rejects names that
   * contain a dot or begin with `$`.
   */
  json: string;
}

/** A write to one document: its new version, or `undefined` to remove it. */
export interface Change {
  id: string;
  document: StoredDocument | undefined;
}
