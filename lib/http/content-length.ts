/**
 * Reads the Content-Length header: RFC 9110, section 8.6.
 * @returns `undefined` without the header, and for a length beyond the safe integers
 */
export const contentLength = (headers: Record<string, unknown>): number | undefined => {
  const length = Number(headers['content-length']);
  return Number.isSafeInteger(length) ? length : undefined;
};
