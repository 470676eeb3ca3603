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

/** The decoded segments of the current address after `#/`. */
export const currentPath = (): string[] =>
  location.hash.replace(/^#\/?/, '').split('/').filter(Boolean).map(decoded);

/** Formats an address within the console. */
export const address = (...parts: string[]): string => `#/${parts.map(encodeURIComponent).join('/')}`;

export const go = (...parts: string[]): void => {
  location.hash = address(...parts);
};
