/**
 * An absolute path without `.`, `..`, double slashes and a slash at its end, and without the characters that have a meaning
 * to an engine in the path of a mount.
 */
export const MOUNT_PATH = /^(\/(?!\.{1,2}(\/|$))[^/:,"\p{Cc}]+)+$/u;

/** What is asked of a path that does not fit, after "must". */
export const MOUNT_PATH_RULE =
  'be an absolute path without ., .., :, a comma, a quotation mark and a slash at its end';
