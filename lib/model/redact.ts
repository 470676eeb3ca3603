import { secretEnvOf } from './container/secret-env.js';
import { type Guest, metadataOf } from './guest.js';
import { CLOSED_VIEW } from './secrets.js';

/** Shorter values, such as `1` or `true`, occur in any text. */
const MIN_REDACTED = 6;

const replaceAll = (text: string, secrets: readonly string[], name: string): string =>
  secrets
    .filter((secret) => secret.length >= MIN_REDACTED)
    .reduce((redacted, secret) => redacted.replaceAll(secret, `[${name}]`), text);

/** The parts of a guest that may be secret. */
type Secretive = Pick<Guest, 'metadata' | 'container'>;

/** The secrets of a guest, by their names. */
const secretsOf = (guest: Secretive): Map<string, string> => {
  const metadata = metadataOf(guest);
  const hidden = CLOSED_VIEW.hiddenKeys(metadata).map((key) => [key, metadata[key] ?? ''] as const);
  return new Map([...hidden, ...secretEnvOf(guest)]);
};

/**
 * Replaces the secrets of a guest, and their lines, in a text about it by their names. The text of a sub-agent may quote
 * them, and ends up in jobs, events and logs.
 */
export const redact = (guest: Secretive, text: string): string => {
  let redacted = text;
  for (const [name, value] of secretsOf(guest))
    redacted = replaceAll(redacted, [value, ...value.split('\n').map((line) => line.trim())], name);
  return redacted;
};

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
