import type { Kind } from './store.js';

/** A page of the console. */
export interface View {
  title: string;
  element: HTMLElement;
  /** Redraws what has changed; all kinds on the first call. */
  update?(kinds: ReadonlySet<Kind>): void;
  /** @returns whether the key was handled */
  key?(event: KeyboardEvent): boolean;
  /** Focuses an element when the page is shown. */
  focus?(): void;
  close?(): void;
}

/** Decodes a part of an address; leaves it as typed when the encoding is malformed. */
const decoded = (part: string): string => {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
};

/** The address without the query, and the query: `#/guests?state=running`. */
const split = (): [path: string, query: string] => {
  const [path = '', ...query] = location.hash.split('?');
  return [path, query.join('?')];
};

/** The decoded segments of the current address after `#/`. */
export const currentPath = (): string[] =>
  split()[0].replace(/^#\/?/, '').split('/').filter(Boolean).map(decoded);

/** What follows the question mark of the current address. */
export const currentQuery = (): URLSearchParams => new URLSearchParams(split()[1]);

/** Replaces the query of the current address, without a new entry in the history of the browser. */
export const replaceQuery = (query: URLSearchParams): void => {
  const [path] = split();
  const text = query.toString();
  history.replaceState(history.state, '', `${path || '#/guests'}${text === '' ? '' : `?${text}`}`);
  rememberList();
};

/** Formats an address within the console. */
export const address = (...parts: string[]): string => `#/${parts.map(encodeURIComponent).join('/')}`;

export const go = (...parts: string[]): void => {
  location.hash = address(...parts);
};

/** The addresses of the lists as the user left them, with their filters. */
const lists = new Map<string, string>();

/** Remembers the filters of the list that is shown, if a list is. */
export const rememberList = (): void => {
  const [section = 'guests', item] = currentPath();
  if (item === undefined) lists.set(section, location.hash);
};

/** The address of a list, with the filters that it had last. */
export const listAddress = (section: string): string => lists.get(section) || address(section);

/** Returns from an item to its list, with the filters that it had last. */
export const goToList = (section: string): void => {
  location.hash = listAddress(section);
};
