/** A request that its client may safely send again: it is carried out once. */
export interface IdempotentRequest {
  /** The client's name and its Idempotency-Key. */
  key: string;
  /** A hash of the method, path, query and body, which distinguishes a repetition from another request under the same key. */
  fingerprint: string;
}
