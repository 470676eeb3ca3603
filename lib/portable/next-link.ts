const NEXT = /<(?<target>[^>]*)>\s*;\s*rel="next"/;

/** Returns the target of the next page from a Link header (RFC 8288), if there is one. */
export const nextLink = (link: string | null | undefined): string | undefined =>
  NEXT.exec(link ?? '')?.groups?.target;
