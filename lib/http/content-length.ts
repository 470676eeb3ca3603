/**
 * How many bytes an answer announces: RFC 9110, section 8.6.
 * @returns `undefined` when it does not, or when they are too many to be counted exactly
 */
export const contentLength = (headers: Record<string, unknown>): number | undefined => {
  const length = Number(headers['content-length']);
  return Number.isSafeInteger(length) ? length : undefined;
};
