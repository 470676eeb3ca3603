import type { Kind } from './store.js';

/** One page of the console. */
export interface View {
  title: string;
  element: HTMLElement;
  /** Draws what has changed; at first all of it. */
  update?(kinds: ReadonlySet<Kind>): void;
  /** @returns whether the key meant something */
  key?(event: KeyboardEvent): boolean;
  /** What gets the focus when the page is shown. */
  focus?(): void;
  close?(): void;
}

/** An address may have been typed: what is no encoding stays as it is. */
const decoded = (part: string): string => {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
};

/** The parts of the address behind `#/`. */
export const place = (): string[] =>
  location.hash.replace(/^#\/?/, '').split('/').filter(Boolean).map(decoded);

/** An address within the console. */
export const address = (...parts: string[]): string => `#/${parts.map(encodeURIComponent).join('/')}`;

export const go = (...parts: string[]): void => {
  location.hash = address(...parts);
};
