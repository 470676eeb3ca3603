/** A console inside its tab, once its library has loaded. */
export interface ConsoleScreen {
  buttons: HTMLElement[];
  focus(): void;
  /** Call when the guest's state has changed. */
  wake(): void;
  close(): void;
}
