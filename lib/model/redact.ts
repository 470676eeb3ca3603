import type { Metadata } from './guest.js';
import { CLOSED_VIEW } from './secrets.js';

/** Shorter values, such as `1` or `true`, occur in any text. */
const MIN_REDACTED = 6;

const replaceAll = (text: string, secrets: readonly string[], name: string): string =>
  secrets
    .filter((secret) => secret.length >= MIN_REDACTED)
    .reduce((redacted, secret) => redacted.replaceAll(secret, `[${name}]`), text);

/**
 * Replaces the secrets of metadata, and their lines, in a text about its guest by the names of their keys. The text of a
 * sub-agent may quote them, and ends up in jobs, events and logs.
 */
export const redact = (metadata: Metadata, text: string): string =>
  CLOSED_VIEW.hiddenKeys(metadata).reduce((redacted, key) => {
    const value = metadata[key] ?? '';
    return replaceAll(redacted, [value, ...value.split('\n').map((line) => line.trim())], key);
  }, text);

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

/**
 * Replaces the credentials and the query of a URL, which may contain a signature, in a text by a name.
 * @param url any other text has no secrets
 */
export const redactUrl = (name: string, url: string, text: string): string => {
  if (!URL.canParse(url)) return text;
  const { username, password, search, searchParams } = new URL(url);
  // The user comes last: it may be part of the others.
  const secrets = [search.slice(1), ...searchParams.values(), password, username];
  return replaceAll(text, [...new Set([...secrets, ...secrets.map(decoded)])], name);
};
