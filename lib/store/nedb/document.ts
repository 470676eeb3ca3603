/** A document as its file has it. */
export interface StoredDocument {
  _id: string;
  /** Its place among the others: NeDB itself does not keep them in order. */
  order: number;
  /**
   * The JSON text of what it is: NeDB looks at each field that it knows of, again and again, copies it, and refuses names
   * with a dot or a leading `$`.
   */
  json: string;
}

/** What a write does to one document. */
export interface Change {
  id: string;
  /** Whether it is there before. */
  isStored: boolean;
  /** As it is to be; absent when it is to go. */
  document: StoredDocument | undefined;
}
