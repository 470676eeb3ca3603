import type { Guest } from '../../../model/guest.js';
import type { Kind } from '../store.js';

/** A tab of a guest's page. */
export interface Tab {
  element: HTMLElement;
  update(guest: Guest, kinds: ReadonlySet<Kind>): void;
  /** @returns whether the key was handled */
  key?(event: KeyboardEvent): boolean;
  close?(): void;
}
